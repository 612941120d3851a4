"""Packages that only the extra ``mocks`` installs: an error says which is missing, and how to install it."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingPackage(ImportError):
    """A package is not installed. The text says which, and how to install it."""


@contextmanager
def needs_extra() -> Iterator[None]:
    """
    Surround an import of such a package.

    Raises:
        MissingPackage: It is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise MissingPackage(
            f"this needs the package {missing.name}, which is not installed: pip install 'smsotp-plugin[mocks]'",
            name=missing.name,
        ) from None
