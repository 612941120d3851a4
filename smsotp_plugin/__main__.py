"""The program ``smsotp``, which is also ``python -m smsotp_plugin``."""

import signal


def main() -> None:
    """Load the command and run it; Ctrl-C meanwhile ends the program without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from smsotp_plugin.cli import main as run  # noqa: PLC0415  (loading takes a while)

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
