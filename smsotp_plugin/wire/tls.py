"""Which certificates a TLS client accepts."""

import ssl
from pathlib import Path

import certifi


def make_tls_context(check: bool | Path) -> ssl.SSLContext:  # noqa: FBT001  (a setting's value, not a flag)
    """
    Return the rules for certificates.

    Args:
        check: True: the system's certificates, or those of `certifi` where the system has none; a path: those in
            that file (PEM) or folder (hashed as by ``openssl rehash``); False: no check at all.

    Raises:
        OSError: The file or folder cannot be read or holds no certificate (`ssl.SSLError` is one).
    """
    if check is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if isinstance(check, Path):
        if check.is_dir():
            return ssl.create_default_context(capath=check)
        return ssl.create_default_context(cafile=check)
    return ssl.create_default_context(cafile=None if _system_has_certificates() else certifi.where())


def find_certified_name(host: str) -> str:
    """Return what a certificate calls a host: its name without the dot that only tells the resolver not to search."""
    return host.removesuffix(".")


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).iterdir()))
