"""Judging requests to the inbox page from browsers and programs: who asks, and whether the parameters make sense."""

import ipaddress
import math
import re
from typing import Any
from urllib.parse import urlsplit

from smsotp_mocks.net.http import Request

MOST_TEXT = 200  # characters of a search
_NUMBER_LIKE = re.compile(r"[0-9 ()/+.-]*", re.ASCII)


class Problem(Exception):
    """A request that is not served. Carries the HTTP status; its text says what is wrong and what is possible."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def demand_own_page(request: Request, own: str) -> None:
    """
    Refuse what another web page could have made a browser send.

    A page elsewhere can point its own host name at 127.0.0.1 (DNS rebinding), so no name is served but ``localhost`` and
    the one that the server was told to listen on; and it can send simple requests anywhere, so a change needs JSON or a
    method that browsers ask about first.

    Args:
        own: The host that the page listens on.

    Raises:
        Problem: It is not served.
    """
    host = request.headers.get("host", "")
    name = _read_host_name(host)
    if not (name == own.lower() or _is_address(name)):
        raise Problem(
            421,
            f"The page is served at an IP address, localhost or the name given as --host, not at {host[:MOST_TEXT]!r}.",
        )
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        raise Problem(403, "Another web page may not change anything here.")
    if request.method == "POST" and request.content_type != "application/json":
        raise Problem(415, "The body must be JSON, with Content-Type: application/json.")


def _read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in members:
        if name in read:
            raise Problem(400, f"The body names {name[:MOST_TEXT]!r} more than once.")
        read[name] = value
    return read


def read_body(request: Request) -> dict[str, Any]:
    """
    Return the JSON object in the body.

    Raises:
        Problem: There is none.
    """
    try:
        body = request.read_json(_read_object)
    except ValueError:
        raise Problem(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Problem(400, "The body must be a JSON object.")
    return body


class Parameters:
    """
    The parameters of a query, each read once.

    Args:
        known: Their names; any other name is a Problem, and so is one that is repeated.
    """

    def __init__(self, request: Request, *known: str) -> None:
        self._values = request.query
        names = [name for name, _ in request.query_pairs]
        for name in self._values:
            if names.count(name) > 1:
                raise Problem(400, f"The parameter {name[:MOST_TEXT]!r} came more than once.")
            if name not in known:
                possible = f"It may have: {', '.join(known)}." if known else "It has none."
                raise Problem(400, f"There is no parameter {name[:MOST_TEXT]!r} here. {possible}")

    def read_text(self, name: str) -> str | None:
        """Return a text; None if it is missing or empty."""
        value = self._values.get(name) or None
        if value is not None and len(value) > MOST_TEXT:
            raise Problem(400, f"{name!r} has more than {MOST_TEXT} characters.")
        return value

    def read_number(self, name: str) -> str | None:
        """Return a phone number in any spelling; None if it is missing or empty."""
        value = self.read_text(name)
        if value is not None and not (_NUMBER_LIKE.fullmatch(value) and any(map(str.isdigit, value))):
            raise Problem(
                400, f"{name!r} must be a phone number, such as %2B491701234567 (a plus is written %2B)."
            )
        return value

    def read_integer(self, name: str, default: int, highest: int) -> int:
        """Return an integer from 0 to `highest`."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= highest):
            raise Problem(400, f"{name!r} must be a whole number from 0 to {highest}.")
        return int(value)

    def read_seconds(self, name: str, default: float, highest: float) -> float:
        """Return a duration."""
        try:
            value = float(self._values.get(name, default))
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest:
            raise Problem(400, f"{name!r} must be seconds from 0 to {highest:g}.")
        return value


def _read_host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
