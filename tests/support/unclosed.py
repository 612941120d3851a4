"""A fixture that finds what the tests of a file have started or opened and not ended, and the list of our own threads."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest

#: Seconds within which all threads that were told to end must have ended.
_PATIENCE = 30.0

_frozen = threading.Event()


def thaw_later() -> None:
    """
    When the tests of this file are done, let the garbage collector examine what the code under test has frozen.

    Once for all tests of the file, because the collector goes through everything that was ever imported.
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
    Collect what a file of tests has left, and fail it for threads; what was there before the first test does not count.

    A socket or file that nobody closed is reported as an error when it is collected: without this fixture, in whichever
    test of another file happens to run at that moment.
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
