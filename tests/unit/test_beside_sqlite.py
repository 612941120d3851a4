"""Commands beside a SQLite file that cannot be used: each of them says why, and only what helps against that."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.budgets import NO_BUDGETS
from smsotp_plugin.stores.delivery_log import Wanted
from smsotp_plugin.stores.person import StoredPerson
from smsotp_plugin.stores.sqlite import beside
from smsotp_plugin.stores.sqlite.contents import read_contents_of_file
from smsotp_plugin.stores.sqlite.erase import erase_from_file
from smsotp_plugin.stores.sqlite.guesses import unlock_in_file
from smsotp_plugin.stores.sqlite.limits import lift_limits_in_file, read_limits_in_file
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.trace import trace_file
from tests.support.clock import FakeClock, Waits

CLOCK = FakeClock(waits=Waits.TAKING_TIME)
READERS: dict[str, Callable[[Path], object]] = {
    "trace": lambda path: trace_file(path, Wanted(user="bob"), 1),
    "limits": lambda path: read_limits_in_file(path, NO_BUDGETS, ["u1"], CLOCK),
    "store copy": read_contents_of_file,
}
WRITERS: dict[str, Callable[[Path], object]] = {
    "erase": lambda path: erase_from_file(path, StoredPerson(user="bob"), CLOCK),
    "unlock": lambda path: unlock_in_file(path, ["bob"]),
    "limits --lift": lambda path: lift_limits_in_file(path, ["u1"], CLOCK),
}
ALL = [*READERS.items(), *WRITERS.items()]
each_command = pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])


def say(command: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(StoreError) as said:
        command(path)
    return str(said.value)


@each_command
def test_a_database_that_is_not_there_is_told(
    path: Path, name: str, command: Callable[[Path], object]
) -> None:
    del name
    for missing in (path, path.parent / "nowhere/smsotp.db"):
        assert (
            say(command, missing)
            == f"there is no database {missing} yet: FreeRADIUS makes it at its first start"
        )


@each_command
def test_a_directory_is_no_database(path: Path, name: str, command: Callable[[Path], object]) -> None:
    del name
    path.mkdir()

    assert say(command, path) == f"{path} is a directory: [store] url has to name a file in it"


@each_command
def test_what_is_damaged_is_not_left_to_root(
    path: Path, name: str, command: Callable[[Path], object]
) -> None:
    path.write_text("no database " * 100)
    done = "read" if name in READERS else "written"

    assert say(command, path) == (
        f"{path} cannot be {done}: file is not a database; [store] url names another file, or this one is damaged: "
        "then stop FreeRADIUS, remove the file, and start FreeRADIUS again"
    )


@each_command
def test_an_empty_file_and_a_database_of_something_else_are_none_of_this_version(
    path: Path, name: str, command: Callable[[Path], object]
) -> None:
    del name
    path.touch()
    empty = say(command, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something_else (a, b)")
    foreign = say(command, path)

    assert (
        empty
        == foreign
        == f"{path} was written by another version of smsotp-plugin: restart FreeRADIUS first"
    )


@pytest.mark.parametrize(("name", "command"), WRITERS.items(), ids=WRITERS)
def test_whoever_holds_the_database_is_to_end(
    path: Path,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    command: Callable[[Path], object],
) -> None:
    del name
    monkeypatch.setattr(beside, "_PATIENCE", 0.01)
    SqliteStore(path, 30, 86400, clock).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert (
            say(command, path)
            == f"{path} cannot be written: database is locked; end the program that holds it, or do this again"
        )
