"""Whoever else can read or change what the log-in rests on is told: the key, the database, their directories."""

import grp
import os
import pwd
import shutil
import struct
from pathlib import Path

import pytest

from smsotp_plugin.settings import Owners, find_warnings, load_settings

GATEWAY = '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'

#: acl(5): the tags of entries, and what stands for the number of those that have none.
OWNER, USER, OWN_GROUP, GROUP, MASK, OTHER, NOBODYS = 1, 2, 4, 8, 16, 32, 0xFFFFFFFF

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Give a store as the server leaves it behind after a crash."""
    directory = tmp_path / "store"
    directory.mkdir(mode=0o700)
    for name in ("smsotp.db", "smsotp.db-wal", "smsotp.db-shm", "smsotp.db-attempts-1f", "smsotp.key"):
        (directory / name).touch(mode=0o600)
    return directory


def warnings(store: Path, more: str = "", owners: Owners | None = None) -> list[str]:
    """Return the warnings of a configuration beside the store, without its name."""
    file = store.parent / "smsotp.toml"
    file.write_text(f'[store]\nurl = "sqlite://{store}/smsotp.db"\n{more}{GATEWAY}')
    file.chmod(0o600)
    found = find_warnings(load_settings(file), file, owners)
    return [warning.removeprefix(f"{file}: ") for warning in found]


def test_a_store_as_the_server_makes_it_is_fine(store: Path) -> None:
    assert warnings(store) == []
    assert warnings(store, owners=Owners.of_this_process()) == []


def test_the_directory_of_a_store_is_judged_before_its_first_start(store: Path) -> None:
    for file in store.iterdir():
        file.unlink()
    store.chmod(0o777)

    assert warnings(store) == [
        f"store.url: everyone on this machine can replace what is in {store}; type: chmod o-w {store}"
    ]


@pytest.mark.parametrize("later", ["", '[gateways.other]\nprovider = "http"\n', 'gateways = {any = "x"}\n'])
def test_a_file_that_was_changed_after_it_was_read_is_judged_all_the_same(store: Path, later: str) -> None:
    file = store.parent / "smsotp.toml"
    file.write_text(f'[store]\nurl = "sqlite://{store}/smsotp.db"\n{GATEWAY}')
    file.chmod(0o600)
    settings = load_settings(file)
    file.write_text(later)

    assert find_warnings(settings, file) == []


def test_a_store_that_is_not_there_yet_is_fine(store: Path) -> None:
    shutil.rmtree(store)

    assert warnings(store) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("smsotp.key", "store.key_file"),
        ("smsotp.db", "store.url"),
        ("smsotp.db-wal", "store.url"),
        ("smsotp.db-shm", "store.url"),
        ("smsotp.db-attempts-1f", "store.url"),
    ],
)
@pytest.mark.parametrize(
    ("mode", "deeds"), [(0o644, "read"), (0o602, "write to"), (0o666, "read and write to")]
)
def test_a_file_that_everyone_can_use_is_told(
    store: Path, name: str, key: str, mode: int, deeds: str
) -> None:
    file = store / name
    file.chmod(mode)

    assert warnings(store) == [
        f"{key}: everyone on this machine can {deeds} {file}; type: chmod o-rwx {file}"
    ]


def test_a_key_in_another_place_is_judged_there(store: Path, tmp_path: Path) -> None:
    key = tmp_path / "own.key"
    key.touch(mode=0o644)

    assert warnings(store, f'key_file = "{key}"\n') == [
        f"store.key_file: everyone on this machine can read {key}; type: chmod o-rwx {key}"
    ]


def test_a_key_file_that_is_not_used_is_not_judged(store: Path) -> None:
    (store / "smsotp.key").chmod(0o644)

    assert warnings(store, 'key = "0123456789abcdef0123456789abcdef"\n') == []


def test_a_directory_in_which_everyone_can_replace_files_is_told(store: Path) -> None:
    store.chmod(0o777)

    assert warnings(store) == [
        f"store.url: everyone on this machine can replace what is in {store}; type: chmod o-w {store}"
    ]


def test_a_directory_above_in_which_everyone_can_replace_files_is_told_for_each_file(store: Path) -> None:
    above = store.parent
    above.chmod(0o777)
    told = f"everyone on this machine can replace what is in {above}; type: chmod o-w {above}"

    assert warnings(store) == [told, f"store.url: {told}"]


def test_a_directory_that_is_shared_with_everyone_is_told(store: Path) -> None:
    store.chmod(0o1777)

    assert warnings(store) == [
        f"store.url: everyone on this machine can make files in {store}: give the store a directory of its own"
    ]


@needs_root
@pytest.mark.parametrize("name", ["smsotp.key", "smsotp.db", "smsotp.db-wal"])
def test_a_file_of_somebody_else_is_told(store: Path, name: str) -> None:
    shutil.chown(store / name, "daemon")

    (warning,) = warnings(store)

    assert warning.endswith(
        f"{store / name} belongs to daemon, who can change it; FreeRADIUS runs as root: type: chown root: {store / name}"
    )


@needs_root
def test_from_outside_the_owner_of_the_directory_is_taken_for_the_server(store: Path) -> None:
    for path in (store, *store.iterdir()):
        shutil.chown(path, "daemon", "daemon")

    assert warnings(store) == []


@needs_root
def test_at_its_start_the_server_tells_whose_directory_is_not_its_own(store: Path) -> None:
    shutil.chown(store, "daemon")

    assert warnings(store, owners=Owners.of_this_process()) == [
        f"store.url: {store} belongs to daemon, who can change it; FreeRADIUS runs as root: type: chown root: {store}"
    ]


@needs_root
def test_a_group_that_is_not_the_servers_is_told(store: Path) -> None:
    key = store / "smsotp.key"
    shutil.chown(key, group="daemon")
    key.chmod(0o640)

    assert warnings(store) == [f"store.key_file: the group daemon can read {key}; type: chmod g-rwx {key}"]


@needs_root
def test_a_directory_in_which_a_group_can_replace_files_is_told(store: Path) -> None:
    shutil.chown(store, group="daemon")
    store.chmod(0o770)

    assert warnings(store, owners=Owners.of_this_process()) == [
        f"store.url: the group daemon can replace what is in {store}; type: chmod g-w {store}"
    ]


@needs_root
def test_a_group_that_can_replace_what_is_above_the_store_is_told(store: Path) -> None:
    above = store.parent
    shutil.chown(above, group="daemon")
    above.chmod(0o770)

    assert warnings(store, owners=Owners.of_this_process()) == [
        f"store.url: the group daemon can replace what is in {above}; type: chmod g-w {above}"
    ]
    above.chmod(0o1770)
    assert warnings(store, owners=Owners.of_this_process()) == []


@needs_root
def test_somebody_else_who_owns_a_directory_above_the_store_is_told(store: Path) -> None:
    above = store.parent
    shutil.chown(above, "daemon")

    (warning,) = warnings(store, owners=Owners.of_this_process())
    assert warning.startswith(f"store.url: {above} belongs to daemon, who can replace what is in it")


@needs_root
@pytest.mark.parametrize("name", ["smsotp.db", "smsotp.key"])
def test_a_link_is_judged_where_it_leads(store: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store / name).rename(elsewhere / name)
    (store / name).symlink_to(elsewhere / name)
    shutil.chown(elsewhere, "daemon")

    (warning,) = warnings(store, owners=Owners.of_this_process())
    assert f"{elsewhere} belongs to daemon, who can change it" in warning


@needs_root
@pytest.mark.parametrize(
    "line", ["key_file = '{}'\n", "key = {{ file = '{}' }}\n", "keys = [{{ file = '{}' }}]\n"]
)
def test_a_key_in_a_directory_of_a_group_is_told_however_it_is_named(
    store: Path, tmp_path: Path, line: str
) -> None:
    (store / "smsotp.key").unlink()
    keys = tmp_path / "keys"
    keys.mkdir()
    key = keys / "own"
    key.write_text("k" * 32)
    key.chmod(0o640)
    for path in (keys, key):
        shutil.chown(path, group="daemon")
    keys.chmod(0o770)

    place = line.partition(" ")[0]
    assert warnings(store, line.format(key), Owners.of_this_process()) == [
        f"store.{place}: the group daemon can read {key}; type: chmod g-rwx {key}",
        f"store.{place}: the group daemon can replace what is in {keys}; type: chmod g-w {keys}",
    ]


@needs_root
def test_a_configuration_with_secrets_that_a_strange_group_can_read_is_told(store: Path) -> None:
    file = store.parent / "smsotp.toml"
    given = 'key = "0123456789abcdef0123456789abcdef"\n'
    warnings(store, given)
    shutil.chown(file, group="daemon")
    file.chmod(0o640)

    def found(owners: Owners) -> list[str]:
        return find_warnings(load_settings(file), file, owners)

    assert found(Owners.of_this_process()) == [
        (
            f"{file}: the group daemon can read it, and it holds secrets (store.key); type: chmod g-rwx {file}, or give it to the "
            "server's group with chgrp"
        )
    ]
    assert found(Owners(frozenset((0,)), frozenset((file.stat().st_gid,)))) == []


def grant(path: Path, *entries: tuple[int, int, int], mask: int = 7) -> None:
    """Give a file or directory an access control list that lets its owner do anything and its group nothing."""
    whole = sorted(
        [(OWNER, 7, NOBODYS), *entries, (OWN_GROUP, 0, NOBODYS), (MASK, mask, NOBODYS), (OTHER, 0, NOBODYS)]
    )
    packed = b"".join(struct.pack("<HHI", *entry) for entry in whole)
    os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)


DAEMON = pwd.getpwnam("daemon").pw_uid, grp.getgrnam("daemon").gr_gid


@pytest.mark.parametrize("name", ["smsotp.db", "smsotp.key"])
@pytest.mark.parametrize(
    ("entry", "mask", "told"),
    [
        ((USER, 4, DAEMON[0]), 7, "the user daemon can read"),
        ((USER, 6, DAEMON[0]), 7, "the user daemon can read and write to"),
        ((GROUP, 2, DAEMON[1]), 7, "the group daemon can write to"),
        ((USER, 6, DAEMON[0]), 4, "the user daemon can read"),
        ((USER, 6, DAEMON[0]), 0, ""),
        ((USER, 1, DAEMON[0]), 7, ""),
        ((USER, 6, os.geteuid()), 7, ""),
        ((USER, 6, 0), 7, ""),
    ],
)
def test_whom_an_access_control_list_lets_use_a_file_is_told(
    store: Path, name: str, entry: tuple[int, int, int], mask: int, told: str
) -> None:
    file = store / name
    grant(file, entry, mask=mask)
    key = "store.key_file" if name.endswith("key") else "store.url"

    assert warnings(store, owners=Owners.of_this_process()) == (
        [f"{key}: {told} {file}, by its access control list; type: setfacl -b {file}"] if told else []
    )


def test_whom_an_access_control_list_lets_replace_files_is_told(store: Path) -> None:
    grant(store, (USER, 3, DAEMON[0]))

    assert warnings(store, owners=Owners.of_this_process()) == [
        f"store.url: the user daemon can replace what is in {store}, by its access control list; type: setfacl -b {store}"
    ]


@needs_root
def test_the_mask_of_a_list_is_not_taken_for_what_the_group_may_do(store: Path) -> None:
    shutil.chown(store / "smsotp.db", group="daemon")
    grant(store / "smsotp.db", (USER, 6, os.geteuid()))

    assert (store / "smsotp.db").stat().st_mode & 0o070
    assert warnings(store, owners=Owners.of_this_process()) == []
