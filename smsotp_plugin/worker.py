"""The door of ``smsotp worker``: a process that has the gateways, and sends messages from the queue until it is told to end."""

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from smsotp_plugin import assembly, log
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import ConfigError, OtherKey
from smsotp_plugin.radius import host
from smsotp_plugin.radius.preload import load_everything
from smsotp_plugin.settings import Owners, Settings, find_warnings, load_settings
from smsotp_plugin.settings.sections.queue import QueueMode

_log = logging.getLogger("smsotp")

#: What ends a worker in good order; systemd then starts it again after SIGHUP, with the configuration of then.
_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(config: Path, sink: Callable[[int, str], None]) -> None:
    """
    Run a worker; returns when it has been told to end, and has ended.

    Args:
        config: The same configuration as that of FreeRADIUS.
        sink: Where the log goes; see `SinkHandler`.

    Raises:
        ConfigError: The configuration cannot be used, or is not one for workers.
        OtherKey: The servers have another key. This is found out at the start, or later if the store did not answer then.
        StoreError: The store cannot be used.
    """
    settings = read_settings(config)
    log.configure_log(sink, logging.DEBUG if settings.log.level == "debug" else logging.INFO)
    for warning in find_warnings(settings, config, Owners.of_this_process()):
        _log.warning("%s", warning)
    if problem := host.forbid_core_dumps():
        _log.warning("%s", problem)
    load_everything()
    told, problems = threading.Event(), list[OtherKey]()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        told.set()

    def give_up(why: OtherKey) -> None:
        problems.append(why)
        told.set()

    for number in _ENDS:
        # Where nohup or a shell has set the others to be ignored, as for a program in the background, they stay ignored.
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    threading.excepthook = _report_thread
    worker = assembly.build_worker(settings, SystemClock(), give_up)
    try:
        worker.start()
        _log.info("the worker takes messages")
        told.wait()
        _log.info("the worker takes no more messages, and sends those that it has")
    finally:
        worker.stop()
    if problems:
        raise problems[0]
    _log.info("the worker has ended")


def read_settings(config: Path) -> Settings:
    """
    Read a configuration that is one for workers.

    Raises:
        ConfigError: It cannot be used, or is not.
    """
    settings = load_settings(config)
    if settings.queue.mode is not QueueMode.WORKERS:
        raise ConfigError(
            [
                f'{config}: queue.mode: it is "process", so FreeRADIUS sends by itself; for workers write "workers" on every server'
            ]
        )
    return settings


def _report_thread(died: threading.ExceptHookArgs) -> None:
    """Log what ended a thread without its text, which may hold a secret."""
    name = died.thread.name if died.thread else "unknown"
    _log.error("the thread %s has ended: unexpected %s", name, died.exc_type.__name__)
