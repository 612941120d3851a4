"""How an Access-Accept can leave without ``post-auth``: through a ``Post-Auth-Type`` in the control list."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from smsotp_plugin.plain_file import LARGEST_FILE, read_plain_file
from smsotp_plugin.radius.config_text import Section
from smsotp_plugin.radius.findings import AUTHORIZE, POST_AUTH, Finding
from smsotp_plugin.radius.site_wiring import describe_place
from smsotp_plugin.radius.sites import Site
from smsotp_plugin.radius.unlang import Reach, Unlang

_CHECK_ITEM = re.compile(r"\bPost-Auth-Type\s*[:+]?=\s*\"?([\w-]+)")
_INCLUDE = re.compile(r"\$INCLUDE\s+(\S+)", re.IGNORECASE)
#: Users files that are included more deeply than this include each other in a circle.
_DEEPEST = 20
#: Settings of the module `files` that name a users file for Access-Requests.
_USERS_FILES = ("filename", "usersfile", "auth_usersfile", "postauth_usersfile")
_MEANS = (
    f"an Access-Accept then runs that Post-Auth-Type in place of the rest of post-auth, and {POST_AUTH} is not asked: "
    f"people get in without a code, unless {AUTHORIZE} sees it before and rejects them"
)


def find_shortcuts(root: Section, sites: Sequence[Site], unlang: Unlang) -> list[Finding]:
    """Look for a Post-Auth-Type in users files, and in what the virtual servers set."""
    found = [
        Finding(where, f"control:Post-Auth-Type is set to {value}", _MEANS)
        for where, value in _find_in_users_files(root)
        if any(not _is_locked(site, value, unlang) for site in sites)
    ]
    for site in sites:
        for where, value in _find_in_unlang(site, unlang):
            if not _is_locked(site, value, unlang):
                found.append(Finding(where, f"control:Post-Auth-Type is set to {value}", _MEANS))
    return list(dict.fromkeys(found))


def _is_locked(site: Site, value: str, unlang: Unlang) -> bool:
    """Tell whether that list asks for the code itself."""
    section = site.find_list("post-auth")
    lists = [part for part in section.sections if part.kind == "Post-Auth-Type"] if section else []
    return any(
        part.name == value and unlang.within("post-auth").find_reach(part.items, POST_AUTH) is Reach.ALWAYS
        for part in lists
    )


def _find_in_unlang(site: Site, unlang: Unlang) -> Iterator[tuple[str, str]]:
    for kind in ("authorize", "authenticate"):
        section = site.find_list(kind)
        parts = (
            [section, *(part for part in section.sections if part.kind.endswith("-Type"))] if section else []
        )
        for part in parts:
            for update, statement in unlang.within(kind).list_updates(part.items):
                list_name, _, attribute = statement.name.lstrip("&").rpartition(":")
                in_control = "control" in (list_name, update.name)
                if in_control and attribute == "Post-Auth-Type" and statement.operator not in ("!*", "-="):
                    yield describe_place(statement), statement.value


def _find_in_users_files(root: Section) -> Iterator[tuple[str, str]]:
    for modules in (section for section in root.sections if section.kind == "modules"):
        for module in (section for section in modules.sections if section.kind == "files"):
            for path in dict.fromkeys(module.values.get(name, "") for name in _USERS_FILES):
                yield from _find_in_users_file(Path(path)) if path.startswith("/") else ()


def _find_in_users_file(path: Path, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    try:
        lines = read_plain_file(path, LARGEST_FILE).decode("utf-8", errors="surrogateescape").splitlines()
    except (OSError, ValueError):
        # The server does not start, and says why in better words.
        return
    for number, line in enumerate(lines, 1):
        # The indented lines are for the reply.
        if line[:1] not in (" ", "\t", "#", "") and (found := _CHECK_ITEM.search(line)):
            yield f"{path}:{number}", found[1]
        elif included := _INCLUDE.match(line):
            yield from _find_in_users_file(path.parent / included[1], depth + 1)
