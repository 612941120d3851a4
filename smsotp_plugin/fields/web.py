"""
Types that the settings of gateways behind HTTP share: addresses and proxies.

Each reads what an administrator writes into what `smsotp_plugin.wire.http.client` takes, and says in a sentence what is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import BeforeValidator, SecretStr

from smsotp_plugin.fields.host import encode_host, is_loopback
from smsotp_plugin.fields.tls import UNCHECKED

_DEFAULT_PORT = {"http": 80, "https": 443}
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: What may stand in a path or query as it is: RFC 3986 section 3.3 and 3.4, escapes, and the braces of tags.
_TARGET_SAFE = "/?%:@!$&'()*+,;=~{}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """
    A URL in its parts.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Name or address, in lower case, ASCII, IPv6 without brackets.
        port: 1 to 65535.
        target: Path and query, percent-encoded except for the braces of tags; begins with a slash.
        username: What stood before the ``@``, decoded, or None.
        password: What stood there after the colon.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    username: str | None = field(default=None, repr=False)
    password: SecretStr = field(default=SecretStr(""), repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there never leaves the machine."""
        return is_loopback(self.host)

    def explain_exposure(self, check_tls: bool | Path) -> Iterator[str]:  # noqa: FBT001  (a setting's value, not a flag)
        """Yield a sentence, which begins with the key, for whatever lets others read what is sent there."""
        if self.scheme == "http" and not self.is_loopback:
            yield "URL: plain http shows the code, the number and the password to everybody on the way; use https."
        if check_tls is False:
            yield UNCHECKED


def read_web_address(text: str) -> WebAddress:
    """
    Read an ``http`` or ``https`` URL.

    Raises:
        ValueError: It is none; the text says what is wrong and repeats nothing.
    """
    if any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("must not contain blanks or control characters")
    if "#" in text:
        raise ValueError('must not contain "#", which ends it: write %23 for the character itself')
    if _STRAY.search(text):
        raise ValueError('has a "%" that begins no escape such as %20: write %25 for the character itself')
    parts = _split(text)
    if parts.scheme not in _DEFAULT_PORT:
        raise ValueError("must begin with http:// or https://")
    target = quote(parts.path or "/", safe=_TARGET_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_TARGET_SAFE)
    return WebAddress(
        scheme=parts.scheme,
        host=_read_host(parts),
        port=_read_port(parts),
        target=target,
        username=None if parts.username is None else unquote(parts.username),
        password=SecretStr(unquote(parts.password or "")),
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError("is not a URL: check its host, and the brackets around an address") from None


def _read_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or not set(host).isdisjoint("{}<>\"'\\^`|"):
        raise ValueError("must have a host name or address after the //, without tags")
    if "[" in parts.netloc and "%" in host:
        raise ValueError(
            "has an address with a zone (RFC 6874), which only this machine knows: use another one"
        )
    if "[" in parts.netloc and ":" not in host:
        raise ValueError("has no address between its brackets")
    return encode_host(host)


def _read_port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("has a port that is not a number from 1 to 65535")
    return port or _DEFAULT_PORT[parts.scheme]


def _read_url(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  (pydantic collects ValueError only)
    return read_web_address(value)


def _read_proxy(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  (as above)
    text = value if "://" in value else f"http://{value}"
    if _split(text).scheme not in _DEFAULT_PORT:
        raise ValueError("must be the URL of an HTTP proxy, such as http://user:password@proxy.example:3128")
    address = read_web_address(text)
    if address.target != "/":
        raise ValueError("must end after the port: a proxy has no path")
    host = f"[{address.host}]" if ":" in address.host else address.host
    account = ""
    if address.username is not None:
        account = f"{quote(address.username, safe='')}:{quote(address.password.get_secret_value(), safe='')}@"
    return SecretStr(f"{address.scheme}://{account}{host}:{address.port}")


def find_password(secret: str) -> str:
    """Return the part of a secret that must not be shown: of a URL with an account, the password; else all of it."""
    if "://" not in secret or "@" not in secret:
        return secret
    return unquote(_split(secret).password or "") or secret


#: The URL of a gateway.
WebAddressSetting = Annotated[WebAddress, BeforeValidator(_read_url)]
#: The URL of an HTTP proxy, with ``http://`` added where no scheme stands; may hold credentials.
ProxySetting = Annotated[SecretStr, BeforeValidator(_read_proxy)]
