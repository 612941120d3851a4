"""The configuration file as a TOML document, and the places in it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.plain_file import read_plain_file

_LARGEST_FILE = 256 * 1024
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: The keys that lead to a value.
KeyPath = tuple[str, ...]


def read_document(path: Path) -> dict[str, Any]:
    """
    Read a TOML file.

    Raises:
        ConfigError: It cannot be read, or is not TOML; one problem, with the file's name.
    """
    try:
        content = read_plain_file(path, _LARGEST_FILE)
    except OSError as exc:
        raise ConfigError([f"{path}: it cannot be read: {exc.strerror}"]) from None
    except ValueError:
        raise ConfigError(["the path of the configuration file holds a NUL character"]) from None
    try:
        # Editors of Windows put a byte order mark in front.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        raise ConfigError([f"{path}: line {line}: it is not UTF-8 text; save it as UTF-8"]) from None
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError([f"{path}: this is not TOML: {exc}"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: it is nested too deeply"]) from None
    except ValueError:
        raise ConfigError([f"{path}: this is not TOML: a number has too many digits"]) from None


def write_path(path: KeyPath) -> str:
    """Write a key path as TOML does; unusual keys are quoted and cut."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else json.dumps(part[:64]) for part in path)
