"""
The server's user cannot become root by what root changes in its directories.

An attacker with the rights of that user acts directly before each system call of a change, in every way that it could
choose, and what lies outside its own directory stays as it was.
"""

import os
import pwd
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError, SmsOtpError
from smsotp_plugin.raddb.account import act_as, find_account
from smsotp_plugin.raddb.changes import (
    Change,
    GiveGroup,
    LetGroupRead,
    MakeDirectory,
    MakeLink,
    RemoveFile,
    RemoveLink,
    WriteFile,
)
from smsotp_plugin.raddb.places import Place

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to lose")

ACCOUNT = find_account("freerad" if "freerad" in {entry.pw_name for entry in pwd.getpwall()} else "nobody")
SYSTEM_CALLS = {"open", "os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.chown", "os.chmod"}
#: Far more than a change makes.
MOST_CALLS = 60

Attack = Callable[["Scene"], None]


class Scene:
    """A raddb of the server's user, and beside it what is root's."""

    def __init__(self, top: Path) -> None:
        self.raddb, self.outside = top / "theirs/raddb", top / "outside"
        self.old = self.raddb / "policy.d/old"
        self.new = self.raddb / "policy.d/new"
        self.link = self.raddb / "policy.d/link"
        for directory in (self.raddb, self.outside):
            (directory / "policy.d").mkdir(parents=True)
            for name in ("radiusd.conf", "policy.d/old"):
                (directory / name).write_text("text\n")
                (directory / name).chmod(0o640)
        self.link.symlink_to("old")
        (self.outside / "secret").write_text("root's\n")
        (self.outside / "secret").chmod(0o640)
        (self.outside / "empty").mkdir(mode=0o700)
        for path in (self.raddb.parent, *self.raddb.parent.rglob("*")):
            os.chown(path, ACCOUNT.uid, ACCOUNT.gid, follow_symlinks=False)
        # As a copy made by root has lost its group; the directory that it is in has not.
        os.chown(self.old, 0, 0)
        self.before = self.seen()

    @property
    def place(self) -> Place:
        return Place.at(self.raddb)

    def seen(self) -> dict[str, tuple[int, int, int, str]]:
        """Return owner, group, mode and content of all that is root's."""
        return {
            str(path): (found.st_uid, found.st_gid, found.st_mode, path.read_text() if path.is_file() else "")
            for path in (self.outside, *sorted(self.outside.rglob("*")))
            for found in (path.lstat(),)
        }


def lead_folder_away(scene: Scene) -> None:
    (scene.raddb / "policy.d").rename(scene.raddb / "away")
    (scene.raddb / "policy.d").symlink_to(scene.outside / "policy.d")


def lead_raddb_away(scene: Scene) -> None:
    scene.raddb.rename(scene.raddb.with_name("away"))
    scene.raddb.symlink_to(scene.outside)


def replace_by_link(scene: Scene, target: str) -> None:
    folder = scene.raddb / "policy.d"
    for path in {*folder.iterdir(), scene.new, scene.old, scene.link}:
        with suppress(FileNotFoundError, IsADirectoryError):
            path.unlink()
        if path.is_dir():
            path.rename(folder / ".moved")
        path.symlink_to(scene.outside / target)


def replace_by_hard_link(scene: Scene) -> None:
    # As root: a kernel with protected_hardlinks = 0 lets anybody do so.
    os.seteuid(0)
    for path in (scene.old, scene.new, scene.link):
        path.unlink(missing_ok=True)
        path.hardlink_to(scene.outside / "secret")


def replace_by_pipe(scene: Scene) -> None:
    for path in (scene.old, scene.new):
        path.unlink(missing_ok=True)
        os.mkfifo(path)


def lend_rights(scene: Scene) -> None:
    """Have the new file take over a mode that would let anybody act as root."""
    for path in (scene.raddb / "radiusd.conf", scene.old):
        path.rename(path.with_name("moved"))
        path.write_text("text\n")
        path.chmod(0o6755)


ATTACKS: dict[str, Attack] = {
    "the folder leads away": lead_folder_away,
    "the raddb leads away": lead_raddb_away,
    "links to a file": lambda scene: replace_by_link(scene, "secret"),
    "links to nothing": lambda scene: replace_by_link(scene, "planted"),
    "links to a directory": lambda scene: replace_by_link(scene, "empty"),
    "hard links": replace_by_hard_link,
    "pipes": replace_by_pipe,
    "setuid": lend_rights,
}
CHANGES: dict[str, Callable[[Scene], Change]] = {
    "a new file": lambda s: WriteFile(s.place, s.new, None, "new\n", s.raddb / "radiusd.conf"),
    "another text": lambda s: WriteFile(s.place, s.old, "text\n", "new\n", s.raddb / "radiusd.conf"),
    "a file removed": lambda s: RemoveFile(s.place, s.old, "text\n"),
    "a link": lambda s: MakeLink(s.place, s.new, "old"),
    "a link removed": lambda s: RemoveLink(s.place, s.link),
    "a group given": lambda s: GiveGroup(s.place, (s.old,), ACCOUNT),
    "a directory": lambda s: MakeDirectory(s.new, ACCOUNT),
    "read by the group": lambda s: LetGroupRead(s.old, ACCOUNT),
}


class Attacker:
    """Acts once, directly before the n-th system call of a change."""

    def __init__(self) -> None:
        self.scene: Scene | None = None
        self.attack: Attack | None = None
        self.wait = 0
        sys.addaudithook(self._hear)

    def run(self, scene: Scene, change: Change, attack: Attack, wait: int) -> bool:
        """Make a change under attack; tells whether the attacker had its turn."""
        self.scene, self.attack, self.wait = scene, attack, wait
        with suppress(SmsOtpError, ConfigError, OSError):
            change.make()
        acted = self.attack is None
        self.attack = None
        return acted

    def _hear(self, event: str, _: object) -> None:
        if self.attack is None or event not in SYSTEM_CALLS:
            return
        self.wait -= 1
        if self.wait < 0 and self.scene:
            attack, self.attack = self.attack, None
            uid = os.geteuid()
            with suppress(OSError), act_as(ACCOUNT):
                attack(self.scene)
            os.seteuid(uid)


@pytest.fixture(scope="module")
def attacker() -> Attacker:
    """Give the only one: what listens to system calls stays until the process ends."""
    return Attacker()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_the_servers_user_does_meanwhile_nothing_of_roots_changes(
    enterable: Path, attacker: Attacker, change: Callable[[Scene], Change], attack: Attack
) -> None:
    for wait in range(MOST_CALLS):
        scene = Scene(enterable / str(wait))
        acted = attacker.run(scene, change(scene), attack, wait)

        assert scene.seen() == scene.before, f"attacked before system call {wait}"
        assert lend_all_rights(scene) == [], f"attacked before system call {wait}"
        if not acted:
            break
        shutil.rmtree(enterable / str(wait))
    assert not acted


def lend_all_rights(scene: Scene) -> list[Path]:
    """Return what root has written and lets others act as somebody else."""
    files = (path for path in scene.raddb.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if path.stat().st_mode & 0o6000 and path.read_text() == "new\n"]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_undisturbed_a_change_is_made(enterable: Path, change: Callable[[Scene], Change]) -> None:
    scene = Scene(enterable / "scene")
    # Of a file that the server's user could replace, root changes nothing by itself.
    if change is CHANGES["read by the group"]:
        for path in (scene.raddb.parent, scene.raddb, scene.raddb / "policy.d"):
            os.chown(path, 0, 0)

    change(scene).make()

    assert scene.seen() == scene.before
    match change(scene):
        case WriteFile(path=path, new=new):
            assert path.read_text() == new
            assert path.stat().st_mode & 0o7777 == 0o640
        case RemoveFile(path=path) | RemoveLink(path=path):
            assert not os.path.lexists(path)
        case MakeLink(path=path, target=target):
            assert path.readlink() == Path(target)
        case MakeDirectory(path=path):
            assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (ACCOUNT.uid, 0o700)
        case GiveGroup() | LetGroupRead():
            assert (scene.old.stat().st_gid, scene.old.stat().st_mode & 0o7777) == (ACCOUNT.gid, 0o640)
