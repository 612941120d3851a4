"""
The door that FreeRADIUS calls, through rlm_python3. The only module that imports ``radiusd``.

Rules of the host (FreeRADIUS 3.2): a handler that returns None lets the user in, one that returns a negative number
kills the server, and an exception in `instantiate` lets the server start without us. So each handler returns an explicit
code on every path, and rejects the request if anything is wrong.
"""

import logging
import os
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import radiusd

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.log import make_printable
from smsotp_plugin.news import Ration
from smsotp_plugin.radius import host

host.prefer_own_packages()

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsotp_plugin.assembly import System
    from smsotp_plugin.radius.attributes import Packet
    from smsotp_plugin.radius.legs import Legs, ModuleAnswer

#: Returned by `instantiate` only: the server does not start.
_REFUSE_START = -1
#: ``rlm_rcode_t``; the others are in `radius.legs`, which imports third-party packages.
_REJECT, _OK, _NOOP = 0, 2, 7

#: The server's levels. Debug lines go out as information: whoever asks for them wants to see them.
_LEVELS = {logging.WARNING: radiusd.L_WARN, logging.ERROR: radiusd.L_ERR, logging.CRITICAL: radiusd.L_ERR}


class _Running:
    """What `instantiate` made and the handlers use; None before and after."""

    system: "System | None" = None
    legs: "Legs | None" = None
    #: Limits how many errors with packets are logged: anybody may send as many packets as they like.
    reports = Ration(SystemClock())


def instantiate(_: object) -> int:
    """Read the configuration and start; any problem is logged in full sentences, and keeps the server from starting."""
    try:
        with host.collector_at_rest():
            _start()
    except BaseException as exc:  # noqa: BLE001  (an exception would let the server start without us)
        _report("", exc)
        return _REFUSE_START
    return _OK


def authorize(packet: "Packet") -> "int | ModuleAnswer":
    """Judge an answer leg. The policies call this only if `look` has found one."""
    return _handle(lambda legs: legs.answer_leg(packet))


def authenticate(packet: "Packet") -> "int | ModuleAnswer":
    """Begin a log-in. Called only after the first factor said ok."""
    return _handle(lambda legs: legs.first_leg(packet))


def look(packet: "Packet") -> "int | ModuleAnswer":
    """Tell whether a request answers a challenge. Called before anything else, as ``preacct``."""
    return _handle(lambda legs: legs.look(packet))


def note(packet: "Packet") -> "int | ModuleAnswer":
    """Log why the policies reject a request. Called by them, as ``accounting``."""
    return _handle(lambda legs: legs.note(packet))


def post_auth(packet: "Packet") -> "int | ModuleAnswer":
    """Send a notification if unlang asks for one. Whatever happens, the decision about the log-in does not change."""
    try:
        legs = _Running.legs
        if legs is not None:
            return legs.notify(packet)
    except BaseException as exc:  # noqa: BLE001  (a notification that fails must not undo a log-in)
        _report_sparingly("no notification is sent: ", exc)
    return _NOOP


def detach(*_: object) -> int:
    """Send what is queued, end all threads, close everything."""
    system, _Running.system, _Running.legs = _Running.system, None, None
    try:
        if system is not None:
            system.stop()
    except BaseException as exc:  # noqa: BLE001  (the server is about to end the interpreter, come what may)
        _report("the stop was not clean: ", exc)
    return _OK


def _start() -> None:
    version = _find_server_version()
    host.refuse_unusable(version)
    host.refuse_foreign_python(Path(__file__))
    host.read_any_text()
    # Imported only now: these need third-party packages, and if one is missing, the log has to say so readably.
    from smsotp_plugin import assembly, log  # noqa: PLC0415  (see above)
    from smsotp_plugin.radius.attributes import AttributePlace  # noqa: PLC0415  (see above)
    from smsotp_plugin.radius.legs import Legs  # noqa: PLC0415  (see above)
    from smsotp_plugin.radius.preload import load_everything  # noqa: PLC0415  (see above)
    from smsotp_plugin.settings import DEFAULT_PATH, Owners, find_warnings, load_settings  # noqa: PLC0415  (see above)

    config = Path(radiusd.config.get("file") or os.environ.get("SMSOTP_CONFIG") or DEFAULT_PATH)
    settings = load_settings(config)
    log.configure_log(_to_radlog, logging.DEBUG if settings.log.level == "debug" else logging.INFO)
    for warning in find_warnings(settings, config, Owners.of_this_process()):
        logging.getLogger("smsotp").warning("%s", warning)
    try:
        _judge_sites(uniform=settings.challenge.uniform)
    except Exception as exc:  # noqa: BLE001  (what other people's files say must not keep the server from starting)
        _report("the virtual servers were not judged: ", exc)
    if host.is_config_check(host.read_command_line()):
        assembly.build_gateways(settings, SystemClock())
        host.leave_uncollected()
        return
    if problem := host.forbid_core_dumps():
        logging.getLogger("smsotp").warning("%s", problem)
    load_everything()
    system = assembly.build(settings, SystemClock())
    threading.excepthook = _report_thread
    try:
        system.start()
    except BaseException:
        system.stop()
        raise
    host.calm_collector()
    host.guard_exit(version)
    _Running.system = system
    _Running.legs = Legs(
        system.login, system.notifier, [AttributePlace.parse(text) for text in settings.users.number]
    )


def _judge_sites(*, uniform: bool) -> None:
    """Log where virtual servers do not call the policies as they must; the server starts all the same."""
    from smsotp_plugin.radius.config_tree import find_running_main_file  # noqa: PLC0415  (as above)
    from smsotp_plugin.radius.wiring import judge_wiring  # noqa: PLC0415  (as above)

    program, *_ = command_line = host.read_command_line()
    main_file = find_running_main_file(program, host.find_server_options(command_line))
    if main_file is None:
        return
    wiring = judge_wiring(main_file, uniform=uniform)
    log = logging.getLogger("smsotp")
    for sentence in wiring.unread:
        log.warning("whether people can get in without a code is not certain: %s", sentence)
    for problem in wiring.problems:
        log.error("%s", problem)
    for problem in wiring.uneven:
        log.warning("%s", problem)


def _find_server_version() -> tuple[int, int, int]:
    try:
        return host.find_server_version()
    except host.HostError as exc:
        taken = ".".join(map(str, host.IF_UNKNOWN))
        _to_radlog(
            logging.WARNING,
            f"smsotp: the version of FreeRADIUS is not known: {exc}; it counts as {taken} or later",
        )
        return host.IF_UNKNOWN


def _handle(judge: "Callable[[Legs], ModuleAnswer]") -> "int | ModuleAnswer":
    try:
        legs = _Running.legs
        if legs is not None:
            return judge(legs)
        _to_radlog(logging.ERROR, "smsotp: not running, the user is refused")
    except BaseException as exc:  # noqa: BLE001  (the server would log its text, which may hold a secret)
        _report_sparingly("the user is refused: ", exc)
    return _REJECT


def _report_thread(died: threading.ExceptHookArgs) -> None:
    """Log what ended a thread: Python would print it, with a text that may hold a secret, where nobody looks."""
    if died.exc_value is not None:
        name = died.thread.name if died.thread else "unknown"
        _report(f"the thread {name} has ended: ", died.exc_value)


def _report_sparingly(what: str, exc: BaseException) -> None:
    more = _Running.reports.take()
    if more is not None:
        _report(what, exc, more)


def _report(what: str, exc: BaseException, more: str = "") -> None:
    # A failure to log must not change a decision.
    with suppress(Exception):
        for line in _explain(exc):
            _to_radlog(logging.ERROR, f"smsotp: {what}{line}{more}")


def _explain(exc: BaseException) -> list[str]:
    """Return sentences for the log: our own errors in their own words, any other by its class and where it was raised."""
    from smsotp_plugin.errors import ConfigError, SmsOtpError  # noqa: PLC0415  (see above)

    match exc:
        case ConfigError(problems=problems):
            return problems
        case SmsOtpError() | host.HostError():
            return [str(exc)]
        case ImportError():
            return [f"a package cannot be loaded: {exc}; install smsotp-plugin again, with /usr/bin/python3"]
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(exc.__traceback__)]
    # The system's own text repeats nothing that was sent to us, and usually says what is wrong with the machine.
    why = f" ({os.strerror(exc.errno)})" if isinstance(exc, OSError) and exc.errno is not None else ""
    return [f"unexpected {type(exc).__name__}{why} at {' < '.join(reversed(places))}"]


def _to_radlog(level: int, line: str) -> None:
    radiusd.radlog(_LEVELS.get(level, radiusd.L_INFO), make_printable(line))
