"""Addresses to listen on: free ports that stay free while a server is down for a moment, and loopback or not."""

import errno
import functools
import ipaddress
import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below the range from which the kernel takes ports for outgoing connections (32768 to 60999 on Linux): one of
# those could sit on the port of a server that is stopped and started again.
_LOWEST, _HIGHEST = 10_240, 32_767
# Ports of one process. Those who test at the same time, on one machine, choose from blocks of their own: a port is free when
# it is chosen, and has to be free still when a program listens there a second later, or again after a restart.
_BLOCK = 512
_TRIES = 200
_HERE = "127.0.0.1"
_random = random.SystemRandom()


def listen_on_free_port(host: str, *, family: socket.AddressFamily, backlog: int) -> socket.socket:
    """
    Return a TCP socket that listens on a free port.

    Raises:
        OSError: The address is not this machine's, or no port was free.
    """
    for _ in range(_TRIES):
        try:
            return socket.create_server((host, _choose_candidate()), family=family, backlog=backlog)
        except OSError as error:
            if not _is_taken(error):
                raise
    return socket.create_server((host, 0), family=family, backlog=backlog)


def find_free_udp_port() -> int:
    """Return a UDP port of 127.0.0.1 that is free now."""
    return _find_free_port(socket.SOCK_DGRAM)


def find_free_tcp_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    return _find_free_port(socket.SOCK_STREAM)


def _find_free_port(kind: socket.SocketKind) -> int:
    for _ in range(_TRIES):
        port = _choose_candidate()
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((_HERE, port))
            except OSError as error:
                if not _is_taken(error):
                    raise
            else:
                return port
    raise OSError(f"No free port was found on {_HERE}.")


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _choose_candidate() -> int:
    return next(_candidates(os.getpid()))


@functools.cache
def _candidates(process: int) -> Iterator[int]:  # noqa: ARG001  (a fork takes a block of its own)
    """Take a block for as long as this process lives, and yield its ports in turn; any port where every block is taken."""
    blocks = [*range(_LOWEST, _HIGHEST, _BLOCK)]
    _random.shuffle(blocks)
    for first in blocks:
        if _hold(first):
            return itertools.cycle(range(first + 1, first + _BLOCK))
    return map(_random.randint, itertools.repeat(_LOWEST), itertools.repeat(_HIGHEST))


def _hold(port: int) -> bool:
    """Bind a port and never let it go; returns False where another process has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        try:
            holder.bind((_HERE, port))
        except OSError as error:
            if not _is_taken(error):
                raise
            return False
        holder.detach()
    return True


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)
