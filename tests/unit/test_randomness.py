"""Random bytes that are fetched for many log-ins at once."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsotp_plugin.codes.randomness import RandomBytes


def numbered(count: int) -> bytes:
    """Return bytes in which each group of four is different, for all calls."""
    return b"".join(next(NUMBERS).to_bytes(4, "big") for _ in range(count // 4))


NUMBERS = itertools.count()


def test_nobody_gets_what_somebody_else_got() -> None:
    random_bytes = RandomBytes(numbered)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda _: random_bytes(4), range(20_000)))

    assert len(set(got)) == 20_000


@pytest.mark.parametrize("count", [1, 12, 16, 4096])
def test_each_gets_as_many_as_asked_for(count: int) -> None:
    random_bytes = RandomBytes()

    assert [len(random_bytes(count)) for _ in range(600)] == [count] * 600
