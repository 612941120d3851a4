"""How a secret is written in the configuration."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

from smsotp_plugin.plain_file import read_plain_file
from smsotp_plugin.sms.typed import fold_character

#: No password or key is longer; a wrong path to something big must not be read whole.
_LARGEST_SECRET = 64 * 1024
#: PATH_MAX of Linux, less the NUL at its end.
_LONGEST_PATH = 4095
#: What a unit of systemd and a shell can set.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


def _read_secret(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    match value:
        case {"file": str(path), **rest} if not rest:
            # A relative path depends on where the server is started. It may also be the secret itself, so it is not repeated.
            if not path.startswith("/") or "\0" in path or len(path) > _LONGEST_PATH:
                raise ValueError('must be the absolute path of a file, { file = "/path" }')
            return _demand_content(_read_secret_file(Path(path)), path)
        case {"env": str(name), **rest} if not rest:
            if not _VARIABLE.fullmatch(name):
                raise ValueError('must be the name of an environment variable, { env = "NAME" }')
            return _demand_content(_read_variable(name), f"the environment variable {name}")
        case _:
            raise ValueError('must be a text, { file = "/path" } or { env = "NAME" }')


def _demand_content(secret: str, source: str) -> str:
    """Refuse a secret that was prepared and never filled in; whoever wants no password sets none."""
    if not secret:
        raise ValueError(f"{source} is empty")
    return secret


def _read_variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set")
    try:
        # Python reads bytes that are not UTF-8 as lone surrogates, which nothing can send.
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the environment variable {name} is not UTF-8 text") from None
    return value


def _read_secret_file(path: Path) -> str:
    try:
        content = read_plain_file(path, _LARGEST_SECRET)
    except OSError as exc:
        raise ValueError(f"{path} cannot be read: {exc.strerror}") from exc
    try:
        # Editors of Windows put a byte order mark in front.
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise ValueError(f"{path} is not UTF-8 text: save it as UTF-8") from exc


def find_oddity(secret: str) -> str:
    """Say what is odd about a secret, in words that do not repeat it; empty if nothing is."""
    if secret != secret.strip():
        return "begins or ends with a blank or a line break"
    strange = next(filter(_is_unseen, secret), "")
    return f"holds the character U+{ord(strange):04X}, which nobody sees" if strange else ""


def _is_unseen(character: str) -> bool:
    return not character.isprintable() or (character != " " and fold_character(character) in ("", " "))


#: A password, as text, ``{ file = "/path" }`` (its trailing line break is dropped) or ``{ env = "NAME" }``.
SecretSetting = Annotated[SecretStr, BeforeValidator(_read_secret)]
