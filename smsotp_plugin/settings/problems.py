"""
The configuration file as a TOML document, and what is wrong with it as sentences.

A sentence is ``key.path: what is wrong and what to do``. No value of the file is repeated in it: it may be a password
that stands in the wrong place.
"""

import difflib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.fields.secret import SettingsModel

_LARGEST_FILE = 256 * 1024
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

KeyPath = tuple[str, ...]


def read_document(path: Path) -> dict[str, Any]:
    """
    Read a TOML file.

    Raises:
        ConfigError: It cannot be read, or is no TOML; one problem, with the file's name.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as exc:
        raise ConfigError([f"{path}: it cannot be read: {exc.strerror}"]) from None
    except ValueError:
        raise ConfigError(["the path of the configuration file holds a NUL character"]) from None
    if len(content) > _LARGEST_FILE:
        raise ConfigError([f"{path}: it is larger than {_LARGEST_FILE // 1024} KiB: is it the right file?"])
    try:
        # Editors of Windows put a byte order mark in front.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        raise ConfigError([f"{path}: line {line}: it is not UTF-8 text; save it as UTF-8"]) from None
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError([f"{path}: this is no TOML: {exc}"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: it is nested too deeply"]) from None
    except ValueError:
        raise ConfigError([f"{path}: this is no TOML: a number has too many digits"]) from None


def sentences(
    error: ValidationError, model: type[SettingsModel], value: dict[str, Any], place: KeyPath
) -> list[str]:
    """Turn pydantic's findings into sentences; several about one key (a choice of types) become one. No input is repeated."""
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=True):
        path = _path_in_file(detail, value)
        said = found.setdefault(shown((*place, *path)), [])
        text = unknown_key(path[-1], model) if detail["type"] == "extra_forbidden" else _told(detail)
        if text not in said:
            said.append(text)
    return [f"{path}: {', or '.join(texts)}" for path, texts in found.items()]


def _path_in_file(detail: ErrorDetails, value: Any) -> KeyPath:
    """Return the keys that stand in the file; pydantic puts names of its own types between them."""
    path: list[str] = []
    for part in detail["loc"]:
        if isinstance(value, list):
            value = dict(enumerate(value))
        if isinstance(value, dict) and part in value:
            value = value[part]
            path.append(str(part))
    if detail["type"] == "missing":
        path.append(str(detail["loc"][-1]))
    return tuple(path)


def _told(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "missing":
            return "it is missing"
        case "value_error":
            text = str(detail["ctx"]["error"])
        case "int_type" | "float_type" | "bool_type" if isinstance(detail["input"], str):
            kind = "true or false" if detail["type"] == "bool_type" else "a number"
            text = f"must be {kind}, written without quotation marks"
        case _:
            text = detail["msg"].replace("Input should be", "must be", 1).replace("a valid string", "a text")
            text = text.replace("a valid tuple", "a list", 1).replace("String should", "must", 1)
    return f"it {text}" if text.startswith(("must ", "is ", "has ", "does ")) else text


def unknown_key(key: str, model: type[SettingsModel]) -> str:
    near = difflib.get_close_matches(key, model.model_fields, n=1)
    if not near:
        near = [name for name in model.model_fields if name.casefold() == key.casefold()]
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(model.model_fields)}"
    return f"nothing is called so here; {hint}"


def shown(path: KeyPath) -> str:
    """Write a key path as TOML does, strange keys quoted and cut."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else json.dumps(part[:64]) for part in path)
