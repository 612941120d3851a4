"""A whole FreeRADIUS configuration as one tree: included files in their places, variables filled in. Changes nothing."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from smsotp_plugin.plain_file import LARGEST_FILE, read_plain_file
from smsotp_plugin.radius.config_text import Section, Statement, read_text

#: Where the distributions' packages, and FreeRADIUS's own, have their configuration.
_USUAL_PLACES = tuple(
    Path(place) for place in ("/etc/freeradius/3.0", "/etc/freeradius", "/etc/raddb", "/usr/local/etc/raddb")
)
_PROGRAMS = ("freeradius", "radiusd")
#: Files that are included more deeply than this include each other in a circle.
_DEEPEST = 20
_REFERENCE = re.compile(r"\$\{(\.*)([^{}]*)\}|\$ENV\{([^{}]*)\}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class ConfigTree:
    """
    What was read.

    Attributes:
        root: Everything, as if it stood in one file.
        files: Those that were read, the main file first.
        unread: Sentences about files that are named and could not be read.
    """

    root: Section
    files: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def find_running_main_file(program: str, options: Mapping[str, str]) -> Path | None:
    """
    Return the main file that a server was started with, or None if that cannot be determined.

    Args:
        program: Its name, as in ``/proc/self/cmdline``.
        options: Its options; ``-d`` names the directory, ``-n`` another main file in it.
    """
    usual = _USUAL_PLACES if Path(program).name in _PROGRAMS else ()
    places = (Path(options["-d"]),) if "-d" in options else usual
    files = (place / f"{options.get('-n', 'radiusd')}.conf" for place in places)
    return next((file for file in files if file.is_file()), None)


def read_tree(main_file: Path) -> ConfigTree:
    """Read a configuration, beginning with its main file; what cannot be read is listed in `unread` and left out."""
    # The server fills this in before it reads the file, and the first of several values counts.
    own_place = Statement("confdir", "=", str(main_file.parent), main_file, 0)
    tree = ConfigTree(Section(file=main_file, items=[own_place]))
    text = _read(main_file, tree, "")
    if text is not None:
        _fill(tree, [tree.root], read_text(text, main_file), 0)
    return tree


def _fill(tree: ConfigTree, above: list[Section], source: Section, depth: int) -> None:
    """Copy what a section holds into the last one of `above`, with includes followed and variables filled in."""
    for item in source.items:
        if isinstance(item, Section):
            copy = replace(item, name=_expand_all(item.name, above), items=[])
            above[-1].items.append(copy)
            _fill(tree, [*above, copy], item, depth)
        elif item.name.casefold() in ("$include", "$-include"):
            _include(tree, above, item, depth)
        else:
            above[-1].items.append(replace(item, value=_expand_all(item.value, above)))


def _include(tree: ConfigTree, above: list[Section], item: Statement, depth: int) -> None:
    assert item.file
    place = f"{item.file}:{item.line}: "
    target = _expand_all(item.value, above)
    path = item.file.parent / target
    if depth >= _DEEPEST:
        tree.unread.append(f"{place}files include each other in a circle, through {target}")
        return
    optional = item.name.startswith("$-")
    for file in _list_files(path, tree, place) if target.endswith("/") else [path]:
        if optional and not _is_there(file):
            continue
        text = _read(file, tree, place)
        if text is not None:
            _fill(tree, above, read_text(text, file), depth + 1)


def _list_files(directory: Path, tree: ConfigTree, place: str) -> list[Path]:
    """Return the files that FreeRADIUS reads from a directory; it reads them in no particular order."""
    try:
        entries = sorted(directory.iterdir())
        return [
            entry
            for entry in entries
            if entry.name[0] != "."
            and _FILE_NAME.fullmatch(entry.name)
            and entry.exists()
            and not entry.is_dir()
        ]
    except OSError as exc:
        tree.unread.append(f"{place}{directory} cannot be read: {exc.strerror}")
        return []


def _is_there(file: Path) -> bool:
    """Tell whether a file is there, as the server does before it includes one that may be missing: no, if it may not look."""
    try:
        file.stat()
    except (OSError, ValueError):
        return False
    return True


def _read(file: Path, tree: ConfigTree, place: str) -> str | None:
    try:
        content = read_plain_file(file, LARGEST_FILE)
    except ValueError:
        tree.unread.append(f"{place}the name of a file holds a NUL character")
        return None
    except OSError as exc:
        tree.unread.append(f"{place}{file} cannot be read: {exc.strerror}")
        return None
    tree.files.append(file)
    return content.decode("utf-8", errors="surrogateescape")


def _expand_all(text: str, above: list[Section]) -> str:
    """Fill in the variables that are known so far, as FreeRADIUS does; the rest stays as it is."""
    if "$" not in text:
        return text
    for _ in range(10):
        filled = _REFERENCE.sub(lambda found: _resolve_reference(found, above), text)
        if filled == text:
            break
        text = filled
    return text


def _resolve_reference(found: re.Match[str], above: list[Section]) -> str:
    dots, path, variable = found.groups()
    if variable is not None:
        return os.environ.get(variable, found[0])
    *sections, name = path.split(".")
    # Without dots in front, it is a name in the main file or in one of the sections around it.
    starts = [above[max(len(above) - len(dots), 0)]] if dots else [above[0], *reversed(above[1:])]
    values = (_look_up(start, sections, name) for start in starts)
    return next((value for value in values if value is not None), found[0])


def _look_up(section: Section, path: list[str], name: str) -> str | None:
    """Return the value of ``section.section.name``; ``:name`` and ``:instance`` stand for a section's own names."""
    for step in path:
        kind, _, called = step.rstrip("]").partition("[")
        inner = (sub for sub in section.sections if sub.kind == kind and called in ("", sub.name))
        found = next(inner, None)
        if found is None:
            return None
        section = found
    match name:
        case ":name":
            return section.kind
        case ":instance":
            return section.name or section.kind
    return section.values.get(name)
