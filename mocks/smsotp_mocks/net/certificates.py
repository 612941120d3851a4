"""TLS certificates for the mocks, made when they are needed: a good one, an expired one and one for another name."""

import datetime as dt
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from smsotp_mocks.net.extra import needs_extra

if TYPE_CHECKING:
    import trustme

Kind = Literal["good", "expired", "wrong-name"]
KINDS: tuple[Kind, ...] = ("good", "expired", "wrong-name")
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """
    An authority of its own, and server certificates signed by it. One object can serve all gateways.

    Args:
        names: Host names and addresses of the good and of the expired certificate.

    Attributes:
        authority_file: Where `write_authority` has put the authority's certificate.

    Raises:
        MissingPackage: trustme is not installed.
    """

    def __init__(self, names: Sequence[str] = LOCAL_NAMES) -> None:
        with needs_extra():
            import trustme  # noqa: PLC0415  (an optional package, and pytest loads what imports this module everywhere)

        self._authority = trustme.CA(organization_name="smsotp mocks")
        self._names = names
        self._contexts: dict[Kind, ssl.SSLContext] = {}
        self.authority_file: Path | None = None

    @property
    def authority_pem(self) -> bytes:
        """The authority's certificate, PEM: what a client has to trust."""
        return self._authority.cert_pem.bytes()

    def write_authority(self, path: Path) -> Path:
        """Write the authority's certificate, PEM, for ``CHECK_SSL = "/path"`` or ``ca_file``."""
        path.write_bytes(self.authority_pem)
        self.authority_file = path
        return path

    def server_context(self, kind: Kind = "good") -> ssl.SSLContext:
        """Return what a server needs to present a certificate of this kind."""
        if kind not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._issue(kind).configure_cert(context)
            self._contexts[kind] = context
        return self._contexts[kind]

    def _issue(self, kind: Kind) -> "trustme.LeafCert":
        if kind == "wrong-name":
            return self._authority.issue_cert("gateway.invalid")
        if kind == "expired":
            yesterday = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=1)
            return self._authority.issue_cert(
                *self._names, not_before=yesterday - dt.timedelta(days=30), not_after=yesterday
            )
        return self._authority.issue_cert(*self._names)


#: What a gateway presents: one certificate, or any of these as its faults say.
Tls = ssl.SSLContext | Certificates


def set_authority(tls: Tls | None, setting: str) -> dict[str, str]:
    """Return the setting that makes the plugin trust these certificates, where it is known which file it needs."""
    file = tls.authority_file if isinstance(tls, Certificates) else None
    return {setting: str(file)} if file else {}
