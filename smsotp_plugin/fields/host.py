"""Names and addresses of hosts, judged in one way wherever a setting names one."""

import re
import socket
from ipaddress import IPv6Address, ip_address

import idna

#: RFC 1035 section 2.3.4; an underscore is not allowed in a host name, but some have one.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
#: The last part of what is an address, in one of the ways of `inet_aton`.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def is_loopback(host: str) -> bool:
    """
    Tell whether what is sent to a host never leaves the machine.

    Args:
        host: A name or an address, IPv6 with or without brackets. A name that only begins like an address is none.
    """
    host = host.removeprefix("[").removesuffix("]")
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address.is_loopback or (inside is not None and inside.is_loopback)


def encode_host(host: str) -> str:
    """
    Return a host as the wire knows it: in lower case and ASCII.

    A name beyond ASCII is read as browsers read it (UTS 46, not transitional), so that ``straße`` stays another name
    than ``strasse``. So is one that ends in a number (WHATWG URL, section 3.5): ``127.1`` and ``0x7f000001`` are
    addresses, and ``1.2.3.4.5`` is nothing.

    Args:
        host: A name, or an address without brackets.

    Raises:
        ValueError: It is neither; the text does not repeat it.
    """
    if ":" in host:
        return str(ip_address(host)) if _is_address(host) else _explain_no_name()
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        return _explain_no_name()
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _read_address(name.removesuffix("."))
    if len(name) > 254 or not all(map(_LABEL.fullmatch, labels)):
        return _explain_no_name()
    return name


def _read_address(written: str) -> str:
    try:
        return socket.inet_ntoa(socket.inet_aton(written))
    except OSError:
        return _explain_no_name()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _explain_no_name() -> str:
    raise ValueError("has a host that is neither a name nor an address")
