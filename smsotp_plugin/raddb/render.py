"""The text of our files: filled-in templates under a line that shows whether a file was changed."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.tree import Listener

_STAMP = "#  Written by smsotp, sha256 of the rest: "
_STAMPED = re.compile(rf"{re.escape(_STAMP)}([0-9a-f]{{64}})\n(.*)", re.DOTALL)

#: Characters that have a meaning of their own inside double quotes, or would end them.
_SPECIAL = re.compile(r"[\x00-\x1f\x7f\"'\\$%]")


def render_module(config: Path, python_path: list[Path]) -> str:
    """
    Return ``mods-available/smsotp-plugin``.

    Args:
        config: Absolute path of the plugin's configuration.
        python_path: Absolute directories.

    Raises:
        ConfigError: A path holds characters that have a meaning for FreeRADIUS.
    """
    bad = [path for path in (config, *python_path) if _SPECIAL.search(str(path))]
    bad += [path for path in python_path if ":" in str(path)]
    if bad:
        raise ConfigError([f"{path}: FreeRADIUS cannot use a path with such characters" for path in bad])
    return _fill("module", PYTHON_PATH=":".join(map(str, python_path)), CONFIG=str(config))


def render_policy() -> str:
    """Return ``policy.d/smsotp``."""
    return _fill("policy")


def render_site(listener: Listener) -> str:
    """Return ``sites-available/smsotp``."""
    address = (
        "*" if listener.address.is_unspecified and listener.address.version == 4 else str(listener.address)
    )
    kind = "ipaddr" if listener.address.version == 4 else "ipv6addr"
    return _fill("site", ADDRESS_KIND=kind, ADDRESS=address, PORT=str(listener.port))


def is_untouched(text: str) -> bool:
    """Tell whether a file is ours and unchanged since we wrote it."""
    found = _STAMPED.fullmatch(text)
    return found is not None and found[1] == _checksum(found[2])


def _fill(name: str, **values: str) -> str:
    text = files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return f"{_STAMP}{_checksum(text)}\n{text}"


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
