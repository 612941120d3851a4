"""
Types that the settings of gateways behind HTTP share: addresses, proxies, certificates.

Each reads what an administrator writes into what `smsotp_plugin.wire.http.client` takes, and says in a sentence what is wrong.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import BeforeValidator, SecretStr

from smsotp_plugin.wire.tls import make_tls_context

_DEFAULT_PORT = {"http": 80, "https": 443}
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
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def read_web_address(text: str) -> WebAddress:
    """
    Read an ``http`` or ``https`` URL.

    Raises:
        ValueError: It is none; the text says what is wrong and repeats nothing.
    """
    if any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("must not contain blanks or control characters")
    parts = _split(text)
    if parts.scheme not in _DEFAULT_PORT:
        raise ValueError("must begin with http:// or https://")
    target = quote(parts.path or "/", safe=_TARGET_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_TARGET_SAFE)
    return WebAddress(
        scheme=parts.scheme,
        host=_ascii_host(parts),
        port=_port(parts),
        target=target,
        username=None if parts.username is None else unquote(parts.username),
        password=SecretStr(unquote(parts.password or "")),
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError("is no URL: check its host, and the brackets around an address") from None


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or not set(host).isdisjoint("{}<>\"'\\^`|"):
        raise ValueError("must have a host name or address after the //, without tags")
    try:
        return host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("has a host that is no name") from None


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("has a port that is no number from 1 to 65535")
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
    return SecretStr(text.rstrip("/"))


def read_yes_no(value: Any) -> Any:
    """Read ``"yes"`` and ``"no"`` in any case as true and false; hand on everything else."""
    words = {"yes": True, "no": False, "true": True, "false": False}
    return words.get(value.casefold(), value) if isinstance(value, str) else value


def _read_yes_no_only(value: Any) -> bool:
    value = read_yes_no(value)
    if not isinstance(value, bool):
        raise ValueError('must be true, false, "yes" or "no"')  # noqa: TRY004  (as above)
    return value


def _read_check_ssl(value: Any) -> bool | Path:
    value = read_yes_no(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(
            'must be true, false, or the full path of a file with certificates ("/etc/.../ca.pem")'
        )
    path = Path(value)
    try:
        make_tls_context(path)
    except ssl.SSLError:
        raise ValueError(f"must name a file with certificates in PEM form: {path} holds none") from None
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "not a path"
        raise ValueError(f"must name a file with certificates: {path} cannot be read: {reason}") from None
    return path


#: The URL of a gateway.
WebAddressSetting = Annotated[WebAddress, BeforeValidator(_read_url)]
#: The URL of an HTTP proxy, with ``http://`` added where no scheme stands; may hold credentials.
ProxySetting = Annotated[SecretStr, BeforeValidator(_read_proxy)]
#: True: the system's authorities; False: no check; a path: the authorities in that file or folder.
CheckSslSetting = Annotated[bool | Path, BeforeValidator(_read_check_ssl)]
#: true, false, "yes" or "no".
YesNoSetting = Annotated[bool, BeforeValidator(_read_yes_no_only)]
