"""The files that a configuration names, for code that makes sure that they can be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smsotp_plugin.settings.document import KeyPath, read_document, write_path

#: Keys whose value may be the path of a certificate.
_CERTIFICATES = ("CHECK_SSL", "ca_file")


def find_named_files(path: Path) -> list[tuple[str, Path]]:
    """
    Return the key path and the path of each secret's file and of each certificate.

    Args:
        path: The configuration.

    Raises:
        ConfigError: It cannot be read.
    """
    return list(_find_named(read_document(path), ()))


def _find_named(value: Any, place: KeyPath) -> Iterator[tuple[str, Path]]:
    match value:
        case {"file": str(name), **rest} if not rest:
            yield write_path(place), Path(name)
        case dict():
            for key, item in value.items():
                yield from _find_named(item, (*place, key))
        case list():
            for item in value:
                yield from _find_named(item, place)
        case str() if place and place[-1] in _CERTIFICATES and value.startswith("/"):
            yield write_path(place), Path(value)
