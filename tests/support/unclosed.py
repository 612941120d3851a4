"""What the tests of a file have started or opened and not ended: a fixture that finds it, and the threads of ours."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest

#: Seconds that all threads have to end that were told to.
_PATIENCE = 30.0

_frozen = threading.Event()


def thaw_later() -> None:
    """
    Have the collector look, when the tests of this file are done, through what code under test has frozen.

    Once for all of them: it goes through everything that was ever imported.
    """
    _frozen.set()


def own_threads() -> set[threading.Thread]:
    """
    Return the threads of the product that run in this process.

    A test compares two of these: a thread of an earlier test may be among them.
    """
    return {thread for thread in threading.enumerate() if thread.name.startswith("smsotp")}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """
    Collect what a file of tests has left, and fail it for threads; what was there before the first test is not looked at.

    A socket or file that nobody closed is told of when it is collected, as an error: without this, in a test of another file
    that happens to run then.
    """
    before = own_threads()
    yield
    if _frozen.is_set():
        _frozen.clear()
        gc.unfreeze()
    gc.collect()
    gc.freeze()
    left = own_threads() - before
    until = time.monotonic() + _PATIENCE
    for thread in left:
        thread.join(max(0.0, until - time.monotonic()))
    assert [thread.name for thread in left if thread.is_alive()] == []
