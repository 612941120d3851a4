"""Starts threads. The system may allow no more of them: then the error is a sentence, and not an exception of Python's."""

import threading

from smsotp_plugin.errors import NoThread


def start_thread(thread: threading.Thread) -> None:
    """
    Start a thread.

    Raises:
        NoThread: The system allows no further one.
    """
    try:
        thread.start()
    except RuntimeError as exc:
        raise NoThread(
            f"no further thread can be started ({thread.name}): memory is short, or the service, its user or the machine has as "
            "many as it may (TasksMax of systemd, ulimit -u)"
        ) from exc
