import os
import pwd
import sys
from pathlib import Path
from types import ModuleType

import pytest

from smsotp_plugin.raddb.access import find_obstacle, find_obstacles, plan_access
from smsotp_plugin.raddb.account import Account, act_as
from smsotp_plugin.settings import load_settings

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")

NOBODY = pwd.getpwnam("nobody")
ACCOUNT = Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,))


def obstacle(path: Path, needs: str) -> tuple[Path, str] | None:
    with act_as(ACCOUNT):
        found = find_obstacle(path, needs)
    return (found.path, found.needs) if found else None


def test_what_everyone_may_read_is_no_obstacle(enterable: Path) -> None:
    (enterable / "file").touch(mode=0o644)

    assert obstacle(enterable / "file", "r") is None


def test_the_file_itself_may_be_the_obstacle(enterable: Path) -> None:
    (enterable / "file").touch(mode=0o640)

    assert obstacle(enterable / "file", "r") == (enterable / "file", "r")


def test_a_directory_above_may_be_the_obstacle(enterable: Path) -> None:
    (enterable / "a").mkdir(mode=0o700)
    (enterable / "a/b").mkdir(mode=0o755)

    assert obstacle(enterable / "a/b", "r") == (enterable / "a", "x")


def test_a_directory_that_a_link_leads_through_may_be_the_obstacle(enterable: Path) -> None:
    (enterable / "private").mkdir(mode=0o700)
    (enterable / "private/file").touch(mode=0o644)
    (enterable / "link").symlink_to("private/file")

    assert obstacle(enterable / "link", "r") == (enterable / "private", "x")


def test_what_lies_in_a_closed_directory_is_told_for_each_path(enterable: Path) -> None:
    (enterable / "closed").mkdir(mode=0o700)
    inside = [enterable / "closed/one", enterable / "closed/two"]
    for path in (*inside, enterable / "open"):
        path.touch(mode=0o644)
    with act_as(ACCOUNT):
        found = list(find_obstacles(dict.fromkeys((enterable / "open", *inside), "r")))

    assert [(each.path, each.wanted, each.needs) for each in found] == [
        (enterable / "closed", path, "x") for path in inside
    ]


def test_a_closed_package_that_the_plugin_has_loaded_is_told_once(
    enterable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (enterable / "closed").mkdir(mode=0o700)
    for name in ("closed/one.py", "closed/two.py", "beside.py"):
        (enterable / name).touch(mode=0o600)
        module = ModuleType(name)
        module.__file__ = str(enterable / name)
        monkeypatch.setitem(sys.modules, name, module)
    config = enterable / "smsotp.toml"
    config.write_text('[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n')
    config.chmod(0o644)

    _, problems = plan_access(ACCOUNT, config, load_settings(config), [enterable])

    assert [problem.partition(";")[0] for problem in problems if str(enterable) in problem] == [
        f"{enterable}/beside.py cannot be used: nobody may not read it",
        f"{enterable}/closed cannot be used: nobody may not read it",
    ]


def test_a_directory_that_may_not_be_written_is_an_obstacle(enterable: Path) -> None:
    assert obstacle(enterable, "wx") == (enterable, "w")


def test_we_are_ourselves_again_afterwards() -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())

    with act_as(ACCOUNT):
        assert os.geteuid() == NOBODY.pw_uid
        assert os.getgroups() == [NOBODY.pw_gid]

    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


@pytest.mark.parametrize(
    ("store", "may_be_read_only"),
    [("redis://127.0.0.1:1/0", True), ("sqlite://{directory}/store/smsotp.db", False)],
    ids=["Redis", "a file"],
)
def test_the_directory_of_a_key_need_be_written_only_where_the_key_is_made(
    enterable: Path, store: str, *, may_be_read_only: bool
) -> None:
    (enterable / "store").mkdir()
    os.chown(enterable / "store", ACCOUNT.uid, ACCOUNT.gid)
    (enterable / "keys").mkdir(mode=0o750)
    key, config = enterable / "keys/smsotp.key", enterable / "smsotp.toml"
    key.write_text("k" * 64)
    for path in (key.parent, key):
        os.chown(path, 0, ACCOUNT.gid)
    config.write_text(
        f'[store]\nurl = "{store.format(directory=enterable)}"\nkey_file = "{key}"\n'
        '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
    )
    changes, problems = plan_access(ACCOUNT, config, load_settings(config), [])

    assert changes == []
    assert (problems == []) == may_be_read_only
    assert all(f"may not write to it; type: chown nobody: {key.parent}" in problem for problem in problems)
