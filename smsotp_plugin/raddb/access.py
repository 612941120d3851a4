"""
Whether the server's user can use all files that the plugin needs, and what has to change if not.

The operating system is asked, as that user, so that nothing is overlooked.
"""

import os
import shlex
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smsotp_plugin.raddb.account import Account, act_as
from smsotp_plugin.raddb.changes import Change, GiveGroup, LetGroupRead, MakeDirectory, has_lost_group
from smsotp_plugin.raddb.places import Place, explain_distrust
from smsotp_plugin.settings import Settings, find_named_files


@dataclass(frozen=True, slots=True)
class Obstacle:
    """
    Why a path cannot be used.

    Attributes:
        path: The component that is in the way: the path itself or a directory above it.
        wanted: The path.
        needs: ``r``, ``w`` or ``x``: what is not allowed there.
    """

    path: Path
    wanted: Path
    needs: str

    def describe(self, account: Account) -> str:
        """Return a sentence that says what to type."""
        path = shlex.quote(str(self.path))
        where = "it" if self.path == self.wanted else str(self.path)
        verb = {"r": "read", "w": "write to", "x": "enter"}[self.needs]
        cure = f"chgrp {account.group} {path} && chmod g+{self.needs} {path}"
        if self.needs == "w":
            cure = f"chown {account.name}: {path}"
        return f"{self.wanted} cannot be used: {account.name} may not {verb} {where}; type: {cure}"


def find_obstacle(path: Path, needs: str) -> Obstacle | None:
    """
    Return what keeps the present user from using a path, or None.

    Args:
        path: Absolute; must exist.
        needs: Some of ``rwx``.
    """
    return next(find_obstacles({path: needs}), None)


def find_obstacles(wanted: Mapping[Path, str]) -> Iterator[Obstacle]:
    """
    Yield what keeps the present user from using some paths; each directory on the way is looked at once.

    Args:
        wanted: What each path is needed for, as for `find_obstacle`.
    """

    @cache
    def find_closed(directory: Path) -> Path | None:
        above = None if directory.parent == directory else find_closed(directory.parent)
        return above or (None if _is_allowed(directory, "x") else directory)

    follow = cache(os.path.realpath)
    for path, needs in wanted.items():
        real, closed = path, find_closed(path.parent)
        if not closed:
            real = Path(os.path.realpath(path)) if path.is_symlink() else Path(follow(path.parent), path.name)
            closed = find_closed(real.parent)
        if closed:
            yield Obstacle(closed, path, "x")
        elif denied := next((need for need in needs if not _is_allowed(real, need)), ""):
            yield Obstacle(real, path, denied)


def _is_allowed(path: Path, need: str) -> bool:
    flag = {"r": os.R_OK, "w": os.W_OK, "x": os.X_OK}[need]
    return os.access(path, flag, effective_ids=os.access in os.supports_effective_ids)


def plan_access(
    account: Account, config: Path, settings: Settings, packages: list[Path]
) -> tuple[list[Change], list[str]]:
    """
    Find out what the server's user cannot read or write.

    Args:
        account: That user.
        config: The plugin's configuration.
        settings: What it says.
        packages: The directories of the plugin and of the packages that it needs.

    Returns:
        What can be changed without asking, and problems: what the administrator has to change.
    """
    found: list[Change | str] = [*_code(account, packages)]
    # Somebody who can write to the configuration must not be able to make root open any file that it names.
    doubt = _describe_untrusted_file(config)
    for file in dict.fromkeys((config, *(path for _, path in find_named_files(config) if path.is_file()))):
        found += _readable(account, file.absolute(), doubt)
    store = settings.store
    for directory in store.directories:
        # No key is made where all servers have the same one.
        needs = "wx" if store.makes_key or directory == store.directory else "x"
        found += _directory(account, directory, needs)
    for file in store.find_files():
        found += _tell(account, file, "rw")
    if not store.given_keys and store.key_path.exists():
        found += _tell(account, store.key_path, "r")
    changes = [item for item in found if isinstance(item, Change)]
    return changes, list(dict.fromkeys(item for item in found if isinstance(item, str)))


def plan_raddb_access(account: Account, raddb: Place) -> tuple[list[Change], list[str]]:
    """
    Find out whether the server can read its own configuration; a copy made by root has often lost its group.

    Returns:
        What can be changed without asking, and problems: what the administrator has to change.
    """
    problems = list(_tell(account, raddb.path.parent, "x"))
    if account.uid == 0 or os.geteuid() != 0:
        return [], problems
    paths = (raddb.path, *sorted(raddb.path.rglob("*")))
    lost = tuple(path for path in paths if has_lost_group(path.lstat(), account))
    return [GiveGroup(raddb, lost, account)] if lost else [], problems


def _describe_untrusted_file(file: Path) -> str:
    """Return why root should not rely on what a file says; empty if only root can change it."""
    found = file.stat()
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & stat.S_IWOTH:
        return f"somebody other than root can change {file}"
    return explain_distrust(file.absolute())


def _code(account: Account, packages: list[Path]) -> Iterator[str]:
    """Look at everything that this program has loaded from these directories: the plugin loads the same."""
    inside = tuple(f"{directory}{os.sep}" for directory in packages)
    loaded = {file for module in [*sys.modules.values()] if (file := getattr(module, "__file__", None))}
    files = {Path(file) for file in loaded if file.startswith(inside)}
    # Python lists a directory before it loads anything from it.
    needs = {
        **{file.parent: "rx" for file in files},
        **dict.fromkeys(packages, "rx"),
        **dict.fromkeys(files, "r"),
    }
    with act_as(account):
        obstacles = [*find_obstacles({path: needs[path] for path in sorted(needs)})]
    told: dict[Path, Obstacle] = {}
    for obstacle in obstacles:
        told.setdefault(obstacle.path, obstacle)
    yield from (obstacle.describe(account) for obstacle in told.values())


def _readable(account: Account, file: Path, doubt: str) -> Iterator[Change | str]:
    obstacle = _obstacle(account, file, "r")
    if obstacle is None:
        return
    # Somebody may have chosen the group for another program.
    ours = obstacle.needs == "r" and file.stat().st_gid in (0, account.gid) and os.geteuid() == 0
    doubt = doubt or explain_distrust(file)
    if ours and not doubt:
        yield LetGroupRead(file, account)
    else:
        yield obstacle.describe(account) + (f" (not done for you: {doubt})" if ours else "")


def _directory(account: Account, directory: Path, needs: str) -> Iterator[Change | str]:
    if directory.exists():
        yield from _tell(account, directory, needs)
    elif directory.is_symlink():
        yield f"{directory} is a link that leads nowhere: make the directory, or remove the link"
    elif not directory.parent.is_dir():
        yield f"{directory.parent} does not exist, so that the store's directory {directory} cannot be made in it"
    else:
        yield from _tell(account, directory.parent, "wx" if explain_distrust(directory) else "x")
        yield MakeDirectory(directory, account)


def _tell(account: Account, path: Path, needs: str) -> Iterator[str]:
    obstacle = _obstacle(account, path, needs)
    if obstacle:
        yield obstacle.describe(account)


def _obstacle(account: Account, path: Path, needs: str) -> Obstacle | None:
    with act_as(account):
        return find_obstacle(path, needs)
