"""What has come on a socket, looked at and taken while all other threads stand still."""

import errno
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from smsotp_plugin.wire.at_once import is_silent, take

#: Each time, another thread would get in with some likelihood.
TIMES = 5_000


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield our end of a connection and that of the peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        yield ours, theirs


@contextmanager
def another_thread() -> Iterator[Callable[[], bool]]:
    """Have a thread wait for the interpreter's lock; yields what tells whether it has had it."""
    before = sys.getswitchinterval()
    gate, seen = threading.Lock(), list[str]()
    gate.acquire()

    def work() -> None:
        with gate:
            seen.append("it")

    thread = threading.Thread(target=work)
    thread.start()
    # Seconds after which a thread takes the lock that nobody has given it.
    sys.setswitchinterval(1000)
    try:
        gate.release()
        yield lambda: bool(seen)
    finally:
        sys.setswitchinterval(before)
        thread.join()


def wait_for(connection: socket.socket) -> None:
    assert select.select([connection], [], [], 60)[0]


def test_a_connection_is_silent_until_the_peer_speaks(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    before = is_silent(ours)
    theirs.sendall(b"x")
    wait_for(ours)

    assert (before, is_silent(ours), take(ours, 10), is_silent(ours)) == (True, False, b"x", True)


def test_a_connection_is_not_silent_when_the_peer_has_hung_up(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.close()
    wait_for(ours)

    assert (is_silent(ours), take(ours, 10)) == (False, b"")


def test_no_more_is_taken_than_was_asked_for(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(b"abc")
    wait_for(ours)

    assert (take(ours, 2), take(ours, 2)) == (b"ab", b"c")


def test_where_nothing_has_come_nobody_waits(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(BlockingIOError):
        take(ends[0], 10)


def test_a_connection_that_is_closed_is_neither_silent_nor_read(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = ends
    ours.close()

    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        take(ours, 10)
    assert (caught.value.errno, is_silent(ours)) == (errno.EBADF, False)


def test_no_other_thread_comes_in_while_somebody_looks_and_takes(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.sendall(b"x" * TIMES)
    wait_for(ours)
    with another_thread() as has_come_in:
        for _ in range(TIMES):
            is_silent(ours)
            take(ours, 1)
        came_in = has_come_in()

    assert not came_in
