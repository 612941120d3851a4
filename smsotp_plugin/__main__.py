"""
The program ``smsotp``, which is also ``python -m smsotp_plugin``: runs a command, and explains whatever goes wrong.

Everything else is imported only when the program runs: see `main`.
"""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper

#: Exit codes: something went wrong that is not the configuration, and: the configuration has problems.
_FAILED, _PROBLEMS = 1, 2


def main() -> None:
    """Load the command and run it; Ctrl-C meanwhile ends the program without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from smsotp_plugin.cli import app  # noqa: PLC0415  (loading takes a while)

    signal.signal(signal.SIGINT, handler)
    # A search for garbage in everything that was loaded takes longer at the end than many a command.
    atexit.register(gc.freeze)
    _run(app)


def _run(app: Callable[[], None]) -> None:
    """Run the command; whatever happens, the administrator reads sentences."""
    from smsotp_plugin.errors import ConfigError, SmsOtpError  # noqa: PLC0415  (quick --help)
    from smsotp_plugin.log import make_printable  # noqa: PLC0415  (as above)

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that lacks a character must not end the command.
            stream.reconfigure(errors="backslashreplace")
    try:
        _run_and_write(app)
    except ConfigError as exc:
        for problem in exc.problems:
            print(make_printable(problem), file=sys.stderr)  # noqa: T201  (this is a command)
        sys.exit(_PROBLEMS)
    except SmsOtpError as exc:
        print(make_printable(f"smsotp: {exc}"), file=sys.stderr)  # noqa: T201  (as above)
    except OSError as exc:
        where = exc.filename or "a file without a name, such as standard output"
        print(make_printable(f"smsotp: {where}: {exc.strerror}"), file=sys.stderr)  # noqa: T201  (as above)
        _drop_output()
    except Exception as exc:  # noqa: BLE001  (the last resort: its text may hold a secret)
        place = exc.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
        print(  # noqa: T201  (as above)
            f"smsotp: unexpected {type(exc).__name__} at {where}; please report it", file=sys.stderr
        )
    sys.exit(_FAILED)


def _run_and_write(app: Callable[[], None]) -> None:
    """Run the command, and write its output here: if that failed at Python's end, nobody could explain it any more."""
    try:
        app()
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _drop_output() -> None:
    """Throw away what standard output still holds; Python writes it at its end, and would fail once more."""
    with suppress(AttributeError, OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
