"""The fixture that finds what the tests of a file have opened and not closed."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """
    Collect what a file of tests has left; what was there before the first test is not looked at each time.

    A socket or file that nobody closed is told of when it is collected, as an error: without this, in a test of another file
    that happens to run then.
    """
    yield
    gc.collect()
