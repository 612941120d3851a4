"""Addresses to listen on: free ports that stay free while a server is down for a moment, and loopback or not."""

import errno
import ipaddress
import random
import socket

# Below the range from which the kernel takes ports for outgoing connections (32768 to 60999 on Linux): one of
# those could sit on the port of a server that is stopped and started again.
_LOWEST, _HIGHEST = 10_240, 32_767
_TRIES = 200
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


def find_free_udp_port(host: str = "127.0.0.1") -> int:
    """Return a UDP port that is free now."""
    return _find_free_port(host, socket.SOCK_DGRAM)


def find_free_tcp_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that is free now."""
    return _find_free_port(host, socket.SOCK_STREAM)


def _find_free_port(host: str, kind: socket.SocketKind) -> int:
    for _ in range(_TRIES):
        port = _choose_candidate()
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if not _is_taken(error):
                    raise
            else:
                return port
    raise OSError(f"No free port was found on {host}.")


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _choose_candidate() -> int:
    return _random.randint(_LOWEST, _HIGHEST)


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)
