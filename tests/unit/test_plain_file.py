"""Reading what somebody else may have put in a file's place."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import smsotp_plugin
from smsotp_plugin.plain_file import read_plain_file

PLUGIN = Path(smsotp_plugin.__file__).parent
#: What root reads of a raddb, and of what it names.
READERS = ("raddb", "radius", "settings", "fields", "codes")
#: Reads the package's own files, and what the kernel says of this process.
OTHERS = {"raddb/render.py", "radius/host.py"}


def endless_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (os.mkfifo, "it is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is not a regular file"),
        (Path.mkdir, "Is a directory"),
        (endless_file, "it is larger than 4 KiB"),
        (lambda path: path.write_bytes(bytes(4097)), "it is larger than 4 KiB"),
    ],
    ids=["pipe", "device", "directory", "endless file", "one byte more"],
)
def test_what_is_no_plain_file_of_a_sensible_length_is_said(
    tmp_path: Path, put: Callable[[Path], None], reason: str
) -> None:
    put(tmp_path / "trap")

    with pytest.raises(OSError, match=reason):
        read_plain_file(tmp_path / "trap", 4096)


def test_a_file_is_read_whole_through_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 4096)
    (tmp_path / "link").symlink_to("file")

    assert read_plain_file(tmp_path / "link", 4096) == b"x" * 4096


def test_nothing_that_root_looks_at_is_read_in_another_way() -> None:
    files = {path for folder in READERS for path in (PLUGIN / folder).rglob("*.py")}

    assert {str(path.relative_to(PLUGIN)) for path in files if reads_otherwise(path)} == OTHERS


def reads_otherwise(path: Path) -> bool:
    """Tell whether a module calls a method that opens a file and reads it."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return any(
        isinstance(call, ast.Attribute)
        and call.attr in ("read_text", "read_bytes", "open")
        and getattr(call.value, "id", "") != "os"
        for call in calls
    )
