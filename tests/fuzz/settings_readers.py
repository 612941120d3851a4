"""The configuration: as the text of a file, and as what a file says, in which every case is judged."""

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import Settings, find_warnings, load_settings
from smsotp_plugin.settings.reading import judge_document
from tests.fuzz.reader import Reader, describe
from tests.support.markdown import blocks

_WHOLE = '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
_SYMBOLS = (
    *(b"\n", b"=", b'"', b"'''", b'"""', b"[", b"]", b"[[", b"{", b"}", b"#", b".", b"\\", b"\0", b"\xff"),
    *(b"true", b"1979-05-27", b"07:32:00", b"inf", b"nan"),
)
#: Between the keys of a path, and between a path and its value.
_KEY, _VALUE = "\x1f", "\t"
_VALUES = (
    *(
        b"null",
        b"true",
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b'""',
        b"[]",
        b"{}",
        b"[[]]",
        b"[{}]",
        b'{"": 0}',
        b'"\\u0000"',
    ),
    *(
        b'"\\ud800"',
        b'"{otp}"',
        b'"{',
        b'{"file": "/"}',
        b'{"env": "HOME"}',
        b'"+49"',
        b'["DE"]',
        b'"5/10m"',
        b"9" * 30,
    ),
    *(
        b'"redis://[::1"',
        b'"rediss://a:b@c:70000/x"',
        b'"sqlite:////"',
        b'"https://"',
        b'"/(/"',
        b'"workers"',
        b'"smpp"',
    ),
    *(b"\n", b"\t", b"\x1f", b"gateways\x1fany\x1f", b"store\x1furl\t", b"routes\t["),
)


def settings_readers(folder: Path) -> list[Reader]:
    """Return the readers of the configuration; an empty folder is theirs meanwhile."""
    whole = folder / "whole.toml"
    whole.write_text(_WHOLE)
    return [_toml(folder / "fuzz.toml"), _settings(whole)]


def _judged(load: Callable[[], Settings], path: Path) -> str:
    try:
        settings = load()
    except ConfigError as exc:
        assert all(problem.strip() for problem in exc.problems or [""])  # noqa: PT017  (it may be either)
        return f"{len(exc.problems)} {describe(exc)}"
    return f"{len(find_warnings(settings, path))} warnings"


def _toml(path: Path) -> Reader:
    def read(data: bytes) -> str:
        path.write_bytes(data)
        return _judged(lambda: load_settings(path), path)

    examples = tuple(block.text.encode() for block in blocks("toml"))
    lines = [line for example in examples for line in example.splitlines()]
    names = {line.partition(b"=")[0].strip() for line in lines if b"=" in line}
    sections = {line for line in lines if line.startswith(b"[")}
    return Reader("toml", examples, (*sorted(names), *sorted(sections), *_SYMBOLS), read)


def _settings(path: Path) -> Reader:
    """
    Read a case as lines of the keys and the value of one setting each: nothing of it is refused for its form.

    The file says something else meanwhile, as one does that was changed after it was read.
    """

    def read(data: bytes) -> str:
        return _judged(lambda: judge_document(_document(data), path), path)

    examples = tuple(_lines(_WHOLE + block.text) for block in blocks("toml") if _is_toml(_WHOLE + block.text))
    beginnings = {line.partition(b"\t")[0] + b"\t" for example in examples for line in example.splitlines()}
    return Reader("settings", examples, (*sorted(beginnings), *_VALUES), read)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _lines(text: str) -> bytes:
    found = _flatten(tomllib.loads(text), ())
    return "\n".join(
        f"{_KEY.join(path)}{_VALUE}{json.dumps(value, default=str)}" for path, value in found
    ).encode()


def _flatten(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for key, part in value.items():
        yield from _flatten(part, (*path, key))


def _document(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for line in data.decode(errors="replace").split("\n"):
        path, _, text = line.partition(_VALUE)
        *parents, last = path.split(_KEY)
        table = document
        for key in parents:
            inner = table.get(key)
            if not isinstance(inner, dict):
                inner = table[key] = {}
            table = inner
        try:
            table[last] = json.loads(text)
        except (ValueError, RecursionError):
            table[last] = text
    return document
