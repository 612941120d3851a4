"""
An SMSC for measurements: takes every submit_sm and answers it after a fixed time. It prints its port, and ends when its input ends.

It checks nothing and is as fast as Python allows, so that the client is what is measured. It runs as a process of its own.
"""

import argparse
import collections
import contextlib
import select
import socket
import struct
import time
from functools import partial

from peer_listen import listen

_HEADER = struct.Struct(">4I")
_BINDS = (1, 2, 9)
_SUBMIT = 4


def _make_answers(received: bytearray) -> tuple[list[bytes], list[bytes]]:
    """Cut PDUs off; return the answers that are to wait and those that go out at once."""
    later, now = [], []
    while len(received) >= 16:
        length, command, _, sequence = _HEADER.unpack_from(received)
        if len(received) < length:
            break
        del received[:length]
        if command == _SUBMIT:
            later.append(_HEADER.pack(25, 0x80000000 | command, 0, sequence) + b"%08x\0" % sequence)
        elif command in _BINDS:
            now.append(_HEADER.pack(21, 0x80000000 | command, 0, sequence) + b"peer\0")
        elif not command & 0x80000000:
            now.append(_HEADER.pack(16, 0x80000000 | command, 0, sequence))
    return later, now


def _serve(connection: socket.socket, delay: float) -> None:
    received = bytearray()
    waiting: collections.deque[tuple[float, bytes]] = collections.deque()
    with connection, contextlib.suppress(OSError):
        while True:
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            if select.select([connection], [], [], timeout)[0]:
                data = connection.recv(65536)
                if not data:
                    return
                received += data
                later, now = _make_answers(received)
                if delay:
                    due = time.monotonic() + delay
                    waiting.extend((due, answer) for answer in later)
                else:
                    now += later
                connection.sendall(b"".join(now))
            due_now = []
            while waiting and waiting[0][0] <= time.monotonic():
                due_now.append(waiting.popleft()[1])
            connection.sendall(b"".join(due_now))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("delay", type=float, help="seconds from a submit_sm to its answer")
    listen(partial(_serve, delay=parser.parse_args().delay))
