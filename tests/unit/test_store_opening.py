"""How a store in a file is opened: which files it refuses, and how it learns who else has come."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.schema import SCHEMA_VERSION
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import DAY, WINDOW, challenge
from tests.support.clock import FakeClock, Waits
from tests.support.interruption import interrupt_at_each_step
from tests.support.parcels import begin


def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as refused:
        SqliteStore(path, WINDOW, DAY, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))
    return str(refused.value)


def test_a_closed_store_leaves_the_database_and_how_many_have_come(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    begin(store, challenge(clock))
    store.close()

    assert {file.name for file in path.parent.iterdir()} == {"smsotp.db", "smsotp.db-visits"}


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "the directory must exist" in refusal(tmp_path / "missing" / "smsotp.db")


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(os.urandom(8192))

    assert refusal(path) == f"{path}: file is not a database"


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE challenges (id INTEGER)")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def of_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "write", [lambda path: path.write_bytes(b"no database" * 99), of_the_future, of_another_program]
)
def test_a_file_that_cannot_be_used_is_closed_again(path: Path, write: Callable[[Path], object]) -> None:
    write(path)

    # The caught error keeps everything alive that nobody has closed.
    with pytest.raises(StoreError) as refused:
        SqliteStore(path, WINDOW, DAY, FakeClock(1_000_000.0, Waits.NOT_AT_ALL))

    assert str(path) in str(refused.value)
    assert [name for name in open_files() if name.startswith(str(path))] == []


def open_files() -> list[str]:
    """Return what this process has open; a descriptor that is closed while we look is none."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            names.append(str(descriptor.readlink()))
    return names


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

    assert f"schema {SCHEMA_VERSION + 1}, this one knows up to {SCHEMA_VERSION}" in refusal(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)


def test_a_new_store_asks_the_file_only_for_log_ins_that_it_has(path: Path, clock: FakeClock) -> None:
    first = SqliteStore(path, WINDOW, DAY, clock)
    old = begin(first, challenge(clock, login="known"))
    first.close()

    second = SqliteStore(path, WINDOW, DAY, clock)

    assert not second.opens_at_once("known")
    assert second.opens_at_once("new")
    assert second.find_same("known", clock.time()) == old
    second.close()


@pytest.mark.parametrize("is_removed", [False, True])
def test_who_has_come_and_gone_between_two_looks_is_noticed(
    path: Path, clock: FakeClock, *, is_removed: bool
) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    clock.advance(2 * WINDOW)
    begin(store, challenge(clock, login="own"))
    if is_removed:
        path.with_name("smsotp.db-visits").unlink()
        store.tidy(clock.time())
    visitor = SqliteStore(path, WINDOW, DAY, clock)
    theirs = begin(visitor, challenge(clock, login="theirs"))
    visitor.close()

    assert begin(store, challenge(clock, login="theirs")) == theirs
    store.close()


def test_a_store_that_is_closed_is_not_opened_again_by_who_comes_late(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    each = challenge(clock)
    begin(store, each)
    store.close()

    with pytest.raises(StoreError, match=f"{path} is not open any more: the store is closed"):
        store.mark_undelivered(each.state, 0, "not sent")
    assert [name for name in open_files() if name.startswith(str(path))] == []
    assert "replaced" not in caplog.text


def test_a_housekeeper_that_meets_the_end_of_its_store_does_so_without_a_surprise(
    path: Path, clock: FakeClock
) -> None:
    def look() -> tuple[Callable[[], str], Callable[[], None]]:
        file = SqliteFile(path, clock)
        return lambda: checkpoint(file), file.close

    def checkpoint(file: SqliteFile) -> str:
        try:
            file.checkpoint()
        except StoreError as exc:
            return str(exc)
        finally:
            file.close()
        return ""

    closed = f"{path} is not open any more: the store is closed"

    assert {*interrupt_at_each_step(SqliteFile.checkpoint, look)} == {"", closed}


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_a_database_beside_which_nothing_can_be_written_is_refused_and_named(
    path: Path, clock: FakeClock, ending: str
) -> None:
    SqliteStore(path, WINDOW, DAY, clock).close()
    beside = path.with_name(path.name + ending)
    beside.mkdir()
    refused = refusal(path)
    beside.rmdir()
    SqliteStore(path, WINDOW, DAY, clock).close()

    assert refused.startswith(f"{beside} cannot be opened for writing: Is a directory; ")
