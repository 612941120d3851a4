"""Names to addresses: however long the system's resolver takes, nobody waits longer than was said."""

import socket
import threading
from collections.abc import Iterator, Sequence

import pytest

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.wire.resolve import Address, Resolver
from tests.support.interruption import no_further_thread
from tests.support.unclosed import own_threads

ANSWER: Address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 25))


class Slow:
    """A resolver that answers when it is told to."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(f"{host}:{port}")
        self.answer.wait(10)
        return [ANSWER]


@pytest.fixture
def slow() -> Iterator[Slow]:
    before = own_threads()
    slow = Slow()
    yield slow
    slow.answer.set()
    for thread in own_threads() - before:
        thread.join()


def seconds(count: float) -> Deadline:
    return Deadline.after(count, SystemClock())


def test_a_resolver_that_does_not_answer_is_left_behind_when_time_is_over(slow: Slow) -> None:
    with pytest.raises(TimeoutError):
        Resolver(slow).resolve("mail.example", 25, seconds(0.01))


def test_an_interruption_ends_the_wait(slow: Slow) -> None:
    with pytest.raises(TimeoutError):
        Resolver(slow).resolve("mail.example", 25, seconds(600), lambda: True)


def test_a_name_is_asked_for_once_however_many_wait(slow: Slow) -> None:
    resolver = Resolver(slow)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            resolver.resolve("mail.example", 25, seconds(0))

    assert slow.asked == ["mail.example:25"]
    slow.answer.set()
    assert resolver.resolve("mail.example", 25, seconds(10)) == [ANSWER]


def test_an_address_needs_no_resolver(slow: Slow) -> None:
    ((family, *_, address),) = Resolver(slow).resolve("127.0.0.1", 80, seconds(0))

    assert (family, address) == (socket.AF_INET, ("127.0.0.1", 80))
    assert slow.asked == []


@pytest.mark.parametrize("problem", [socket.gaierror("no such name"), UnicodeError("no name")])
def test_what_the_resolver_says_is_said(problem: Exception) -> None:
    def fail(_: str, __: int) -> Sequence[Address]:
        raise problem

    with pytest.raises(type(problem)):
        Resolver(fail).resolve("mail.example", 25, seconds(10))


def test_the_systems_resolver_is_asked_where_nothing_else_is_said() -> None:
    assert Resolver().resolve("localhost", 80, seconds(10))


def test_where_there_is_no_thread_to_ask_that_is_said_and_the_next_one_asks_anew(slow: Slow) -> None:
    resolver = Resolver(slow)
    slow.answer.set()
    with no_further_thread(), pytest.raises(OSError, match="no thread can be started to ask the name server"):
        resolver.resolve("mail.example", 25, seconds(10))

    assert resolver.resolve("mail.example", 25, seconds(10)) == [ANSWER]
