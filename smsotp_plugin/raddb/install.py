"""What has to be done to a raddb so that the plugin runs in it. Looks and decides; changes nothing."""

import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import smsotp_plugin
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.plain_file import LARGEST_FILE, read_plain_file
from smsotp_plugin.raddb.access import plan_access, plan_raddb_access
from smsotp_plugin.raddb.changes import Change, MakeLink, WriteFile
from smsotp_plugin.raddb.dictionary import extend_dictionary
from smsotp_plugin.raddb.render import is_untouched, render_module, render_policy, render_site
from smsotp_plugin.raddb.tree import Listener, Raddb, find_listeners, read_listener
from smsotp_plugin.settings import Settings

#: In ``mods-available``, the name ``smsotp`` is taken by the file of a module that packages leave out (rlm_smsotp).
MODULE = "smsotp-plugin"

#: Where the example site listens if nobody has asked for a port.
_EXAMPLE_LISTENER = read_listener("127.0.0.1:1812")


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """
    An installation that can be made.

    Attributes:
        changes: In the order in which they have to be made; none if everything is as it should be.
        notes: What the administrator should know, as sentences.
    """

    changes: list[Change]
    notes: list[str]


def plan_installation(
    raddb: Raddb, config: Path, settings: Settings, listen: Listener | None
) -> PlannedChanges:
    """
    Judge a raddb and say what has to change.

    Args:
        raddb: Where to install.
        config: Absolute path of the plugin's configuration.
        settings: What it says.
        listen: Where the example site is to serve; None leaves it disabled.

    Raises:
        ConfigError: It cannot be installed there; all problems at once.
    """
    work = _Work(raddb, [], [], [])
    account = raddb.account()
    work.problems.extend(_find_server_problems(raddb))
    looks = os.geteuid() in (0, account.uid)
    if looks:
        # First: new files get the group of radiusd.conf.
        work.add(*plan_raddb_access(account, raddb.place))
    work.attempt(lambda: _plan_files(work, render_module(config, find_python_path()), listen))
    if looks:
        work.add(*plan_access(account, config, settings, find_python_path()))
    else:
        work.notes.append(f"whether {account.name} can read all files was not checked: that takes root")
    if work.problems:
        raise ConfigError(work.problems)
    return PlannedChanges(work.changes, work.notes)


def find_python_path() -> list[Path]:
    """Return the directories in which the package and everything that it needs are found."""
    package = Path(smsotp_plugin.__file__).parent.parent
    places = (package, sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return list(dict.fromkeys(Path(place) for place in places))


@dataclass(frozen=True, slots=True)
class _Work:
    raddb: Raddb
    changes: list[Change]
    notes: list[str]
    problems: list[str]

    def add(self, changes: list[Change], problems: list[str]) -> None:
        self.changes.extend(changes)
        self.problems.extend(problems)

    def attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ConfigError as exc:
            self.problems.extend(exc.problems)


def _find_server_problems(raddb: Raddb) -> Iterator[str]:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        linked = re.search(rb"libpython(3\.\d+)", read_plain_file(raddb.library, LARGEST_FILE))
    except OSError:
        yield (
            f"{raddb.library} is missing: install it, on Debian with: apt install freeradius-python3 (most other "
            "distributions give the package the same name)"
        )
    else:
        if linked and linked[1].decode() != running:
            yield (
                f"{raddb.library} runs Python {linked[1].decode()}, but smsotp is installed for Python {running}: "
                "make the virtual environment with the system's /usr/bin/python3 and install it there"
            )
    for file, kind, name in raddb.modules():
        if file == raddb.path / "mods-enabled" / MODULE:
            continue
        if kind == "python3":
            yield (
                f"{file} has another instance of rlm_python3, {name}: no other one can be used next to smsotp, because "
                f"FreeRADIUS before 3.2.8 aborts and later ones give all instances one configuration; remove {file}"
            )
        elif name == "smsotp":
            yield f"{file} has another module named smsotp: remove {file}"


def _plan_files(work: _Work, module: str, listen: Listener | None) -> None:
    top = work.raddb.path
    work.attempt(lambda: _plan_dictionary(work, top / "dictionary"))
    for path, text in (
        (top / "mods-available" / MODULE, module),
        (top / "policy.d" / "smsotp", render_policy()),
    ):
        work.attempt(partial(_plan_own, work, path, text))
    work.attempt(lambda: _plan_link(work, top / "mods-enabled" / MODULE))
    work.attempt(lambda: _plan_site(work, top / "sites-available" / "smsotp", listen))
    if listen:
        _check_port(work, listen)
        work.attempt(lambda: _plan_link(work, top / "sites-enabled" / "smsotp"))


def _plan_dictionary(work: _Work, path: Path) -> None:
    file = work.raddb.place.inside(path)
    _plan_text(work, path, extend_dictionary(path, work.raddb.place.read(file)))


def _plan_text(work: _Work, path: Path, text: str) -> None:
    place = work.raddb.place
    file = place.inside(path)
    old = place.read(file)
    if old != text:
        work.changes.append(WriteFile(place, file, old, text, like=work.raddb.main_file))


def _plan_own(work: _Work, path: Path, text: str) -> None:
    """Plan a file that only we should write."""
    old = work.raddb.place.read(work.raddb.place.inside(path))
    if old not in (None, text) and not is_untouched(old):
        work.problems.append(
            f"{path} was changed after it was written, or is not ours: it is not overwritten; move it away and "
            "run this again"
        )
        return
    _plan_text(work, path, text)


def _plan_site(work: _Work, path: Path, listen: Listener | None) -> None:
    """Plan the example, which the administrator may have turned into something else."""
    old = work.raddb.place.read(work.raddb.place.inside(path))
    ours = old is None or is_untouched(old)
    if ours and listen:
        _plan_text(work, path, render_site(listen))
    elif old is None:
        _plan_text(work, path, render_site(_EXAMPLE_LISTENER))
    elif ours:
        # It is that of an earlier version; it goes on listening where it did.
        _plan_text(work, path, render_site(find_listeners(old)[0]))
    elif listen:
        work.notes.append(f"{path} was changed by hand and stays as it is; to get a new one, move it away")
        if listen not in find_listeners(old):
            work.problems.append(
                f"{path} was changed by hand and does not listen on {listen}: change that there"
            )


def _plan_link(work: _Work, path: Path) -> None:
    target = f"../{path.parent.name.replace('enabled', 'available')}/{path.name}"
    place = work.raddb.place
    link = place.inside(path.parent) / path.name
    if not path.is_symlink() and not path.exists():
        work.changes.append(MakeLink(place, link, target))
    elif Path(os.path.realpath(path)) != Path(os.path.realpath(path.parent / target)):
        work.problems.append(f"{path} exists and does not lead to {target}: move it away")


def _check_port(work: _Work, listen: Listener) -> None:
    for file, other in work.raddb.listeners():
        if file.name != "smsotp" and listen.collides(other):
            work.problems.append(
                f"{file} listens on {other} already: choose another port with --listen, remove {file}, or leave "
                "--listen out and call the policies from that site"
            )
