"""
Where a configuration still uses what the plugin provides: its policies, its modules, its attributes.

It looks at every file that the server may read: what is enabled, all of ``mods-config``, and files elsewhere that these
include or name. What is commented out does not count.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.render import render_module, render_policy
from smsotp_plugin.raddb.tree import Raddb, read_file
from smsotp_plugin.radius.config_text import Section, read_text
from smsotp_plugin.radius.config_tree import read_tree

#: Holds files that modules name one by one; what editors and package managers leave behind there is not read.
_NAMED = "mods-config"
_LEFT_BEHIND = re.compile(r".*(~|\.(bak|orig|old|save|swp|dpkg-\w+|rpm\w+))")
#: Sections that name files which the server writes.
_WRITERS = ("detail", "linelog", "log", "radutmp")

_COMMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|[^#"'])*)#.*""")
#: In lists of users and dictionaries, relative to the file itself.
_INCLUDE = re.compile(r"""^\s*\$INCLUDE-?\s+["']?([^\s"'$]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Use:
    """
    One line that would not work without the plugin.

    Attributes:
        file: Where it is.
        line: Number of the line, from 1.
        name: What it uses.
    """

    file: Path
    line: int
    name: str


def find_uses(
    raddb: Raddb, attributes: Sequence[str], ours: Sequence[Path], changed: Mapping[Path, str]
) -> Iterator[Use]:
    """
    Yield the lines that use our names.

    Args:
        raddb: The configuration.
        attributes: Names of the attributes that would be removed.
        ours: Files that would be removed; what they use does not count.
        changed: Files that would stay with another text, with that text; its lines keep their places.

    Raises:
        ConfigError: A file cannot be read.
    """
    pattern = _compile_names(attributes)
    seen = {os.path.realpath(path) for path in ours}
    waiting = [*changed, *_read_by_server(raddb)]
    while waiting:
        file = waiting.pop(0)
        if "\0" in str(file) or os.path.realpath(file) in seen or not (file in changed or file.is_file()):
            continue
        seen.add(os.path.realpath(file))
        content = changed[file] if file in changed else read_file(file)
        for number, line in enumerate(content.splitlines(), 1):
            text = _COMMENT.sub(r"\1", line)
            waiting += [file.parent / found[1] for found in _INCLUDE.finditer(text)]
            if found := pattern.search(text):
                yield Use(file, number, next(name for name in found.groups() if name))


def _compile_names(attributes: Sequence[str]) -> re.Pattern[str]:
    module = read_text(render_module(Path("/"), [Path("/")]))
    modules = [section.name for section in module.sections]
    policies = [section.kind for section in read_text(render_policy()).sections]
    words = "|".join(map(re.escape, sorted({*policies, *modules} - {"smsotp"})))
    names = "|".join(map(re.escape, attributes)) or r"(?!)"
    return re.compile(
        rf"(?<![\w./-])({words})(?![\w/-])"
        rf"|(?<![\w-])((?i:{names}))(?![\w-])"
        # The module's name is a common word, so it counts only where the server looks for a module.
        r"|(?:^|[{}])\s*-?(smsotp)(?:\.\w+)?\s*(?:[{}].*)?$"
        r"""|-Type\s*[:+=]+\s*["']?(smsotp)\b|%\{(smsotp):"""
    )


def _read_by_server(raddb: Raddb) -> Iterator[Path]:
    """Yield the configuration, the files that it names, and the files in the modules' own folders."""
    tree = read_tree(raddb.main_file)
    if tree.unread:
        raise ConfigError(tree.unread)
    yield from tree.files
    yield from _find_named(tree.root)
    named = sorted((raddb.path / _NAMED).rglob("*"))
    yield from (path for path in named if path.name[0] != "." and not _LEFT_BEHIND.fullmatch(path.name))
    yield from (raddb.path / name for name in ("users", "hints", "huntgroups"))


def _find_named(section: Section) -> Iterator[Path]:
    yield from (Path(value) for value in section.values.values() if value.startswith("/"))
    for inner in section.sections:
        if inner.kind not in _WRITERS:
            yield from _find_named(inner)
