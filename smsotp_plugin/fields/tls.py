"""Which certificates are trusted, as a setting says it: looked at when the configuration is read, in one way."""

import ssl
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from smsotp_plugin.fields.yes_no import read_yes_no
from smsotp_plugin.wire.tls import make_tls_context


def check_certificates(path: Path) -> Path:
    """
    Return the path of a file (PEM) or folder with certificates, which can be read.

    Raises:
        ValueError: It is not absolute, cannot be read or holds none.
    """
    # A relative one depends on where the server is started; it may also be a secret in the wrong place, not to be repeated.
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    try:
        make_tls_context(path)
    except ssl.SSLError:
        raise ValueError(f"must name a file with certificates in PEM form: {path} holds none") from None
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "not a path"
        raise ValueError(f"must name a file with certificates: {path} cannot be read: {reason}") from None
    return path


def _read_check_ssl(value: Any) -> bool | Path:
    value = read_yes_no(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(
            'must be true, false, or the full path of a file with certificates ("/etc/.../ca.pem")'
        )
    return check_certificates(Path(value))


#: What a gateway's warning says where nothing is checked.
UNCHECKED = (
    "CHECK_SSL: without this check, anybody on the way can read codes; name the authority's file instead."
)
#: True: the system's authorities; False: no check; a path: the authorities in that file or folder.
CheckSslSetting = Annotated[bool | Path, BeforeValidator(_read_check_ssl)]
