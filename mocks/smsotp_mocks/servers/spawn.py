"""Starting a program so that whoever interrupts the start still knows of it."""

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from pathlib import Path


def spawn(
    command: Sequence[str],
    keep: Callable[["subprocess.Popen[str]"], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """
    Start a program whose output is read from a pipe.

    Ctrl-C comes in the thread of the caller, at any moment; in this one nothing parts the program's start from its being known.

    Args:
        command: Its full path and arguments.
        keep: Takes the program; has been called before an interruption leaves here.
        cwd: Where it runs.
        env: All of its environment.

    Raises:
        OSError: It cannot be started.
    """
    started: Future[None] = Future()

    def start() -> None:
        if not started.set_running_or_notify_cancel():
            return
        try:
            keep(
                subprocess.Popen(  # noqa: S603  (no shell; each program is looked up by whoever knows it)
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    cwd=cwd,
                    env=env,
                )
            )
        except BaseException as exc:  # noqa: BLE001  (raised again where it was asked for)
            started.set_exception(exc)
        else:
            started.set_result(None)

    try:
        threading.Thread(target=start, name="spawn", daemon=True).start()
        started.result()
    except BaseException:
        if not started.cancel():
            wait([started])
        raise
