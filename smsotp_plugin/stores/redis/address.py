"""What ``[store] url`` says about a Redis: where it is, how it is found there, and as which user."""

import re
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote

from smsotp_plugin.fields.host import encode_host

_DATABASE = re.compile(r"[0-9]{1,5}")
#: Bytes of the path of a socket, see unix(7).
_LONGEST_SOCKET = 107
_SERVICE = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Way(Enum):
    """How the Redis that can be written to is found."""

    FIXED = "redis"
    """It is at the address."""
    SENTINEL = "redis+sentinel"
    """The Sentinels at the addresses know it."""
    CLUSTER = "redis+cluster"
    """It is the node of a Cluster that has our slot; those at the addresses know it."""


_USUAL_PORT = {Way.FIXED: 6379, Way.SENTINEL: 26379, Way.CLUSTER: 6379}
_SCHEMES = {
    "redis": (Way.FIXED, False),
    "rediss": (Way.FIXED, True),
    "unix": (Way.FIXED, False),
    "redis+sentinel": (Way.SENTINEL, False),
    "rediss+sentinel": (Way.SENTINEL, True),
    "redis+cluster": (Way.CLUSTER, False),
    "rediss+cluster": (Way.CLUSTER, True),
}
#: All schemes that can be written.
SCHEMES = tuple(_SCHEMES)


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """
    Where a server listens.

    Attributes:
        host: Name or address; empty for a socket of this machine.
        port: 1 to 65535.
        path: That of a socket of this machine.
    """

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """
    What an address says.

    Attributes:
        way: How the Redis is found.
        places: Where it, the Sentinels or some nodes of the Cluster are; at least one.
        tls: Whether the connection uses TLS.
        username: Empty for the default user.
        password: Empty for none.
        database: Its number.
        service: What the Sentinels call it.
    """

    way: Way
    places: tuple[RedisPlace, ...]
    tls: bool
    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    service: str = ""


def read_address(url: str) -> RedisAddress:
    """
    Read an address.

    Raises:
        ValueError: It is not an address; the text does not repeat it.
    """
    scheme, _, rest = url.partition("://")
    way, tls = _SCHEMES[scheme]
    if not url.isprintable() or " " in url or "#" in url:
        raise ValueError("must not hold blanks, control characters or #; write such a character as %20")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    account, _, hosts = authority.rpartition("@")
    username, _, password = account.partition(":")
    names = {"username": _decode(username), "password": _decode(password)}
    if username and not is_username(names["username"]):
        raise ValueError("must hold a user without blanks and control characters")
    if scheme == "unix":
        if hosts or not path:
            raise ValueError('must be "unix://" and the absolute path of a socket')
        socket = slash + _decode(path)
        if "\0" in socket or len(socket.encode()) > _LONGEST_SOCKET:
            raise ValueError(
                f"must hold the path of a socket of at most {_LONGEST_SOCKET} bytes, none of them NUL"
            )
        database = _read_database(query.removeprefix("db=")) if query else 0
        return RedisAddress(way, (RedisPlace(path=socket),), tls=False, database=database, **names)
    if query:
        raise ValueError("must have no parameters: there are settings for them")
    places = tuple(_read_place(host, _USUAL_PORT[way]) for host in hosts.split(","))
    if way is Way.FIXED and len(places) > 1:
        raise ValueError("must name one host; several are for redis+sentinel:// and redis+cluster://")
    service, database = _read_path(way, path)
    return RedisAddress(way, places, tls, database=database, service=service, **names)


def is_username(name: str) -> bool:
    """Tell whether a user of Redis can have this name: in the file of its users, a blank ends a name."""
    return bool(name) and name.isprintable() and not any(map(str.isspace, name))


def _decode(part: str) -> str:
    """
    Return a part without its percent signs.

    Raises:
        ValueError: What they stand for is not text.
    """
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(
            "must hold only percent signs that stand for UTF-8; write %25 for one that stands for itself"
        ) from None


def _read_path(way: Way, path: str) -> tuple[str, int]:
    """Return the service and the number of the database."""
    if way is Way.SENTINEL:
        service, _, rest = path.partition("/")
        if not _SERVICE.fullmatch(service):
            raise ValueError("must end in the name that the Sentinels have for it: .../mymaster")
        return service, _read_database(rest) if rest else 0
    if way is Way.CLUSTER and path:
        raise ValueError("must not name a database: a Cluster has only one")
    return "", _read_database(path) if path else 0


def _read_database(text: str) -> int:
    if not _DATABASE.fullmatch(text):
        raise ValueError("must end in the number of a database, or in nothing")
    return int(text)


def _read_place(text: str, usual: int) -> RedisPlace:
    bracket, _, rest = text.rpartition("]")
    host, colon, port = (bracket + "]", *rest.partition(":")[1:]) if bracket else text.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError("has a port that is not a number from 1 to 65535")
    try:
        name = encode_host(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError("must name a host: redis://redis.example.com:6379") from None
    return RedisPlace(name, int(port) if colon else usual)
