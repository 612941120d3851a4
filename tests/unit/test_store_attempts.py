"""What is noted of attempts outlives the process, and is no more than is needed."""

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.sqlite.attempts import Attempts, find_notes, list_owners, read_notes

if TYPE_CHECKING:
    import mmap

FIRST, SECOND = ("a" * 32, 0), ("b" * 32, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return find_notes(tmp_path / "smsotp.db", 0xABC)


@pytest.fixture
def attempts(path: Path) -> Iterator[Attempts]:
    attempts = Attempts(path)
    yield attempts
    attempts.close()


def test_an_attempt_is_in_the_file_before_the_gateway_has_the_message(attempts: Attempts, path: Path) -> None:
    attempts.begin(FIRST, "one")
    attempts.begin(FIRST, "another")
    attempts.begin(SECOND, "g" * 64)

    assert read_notes(path) == {FIRST: {"one", "another"}, SECOND: {"g" * 64}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_gateway_certainly_does_not_have_is_noted_no_more(attempts: Attempts, path: Path) -> None:
    attempts.begin(FIRST, "one")
    attempts.begin(FIRST, "another")
    attempts.end(FIRST, "one")
    attempts.end(FIRST, "never begun")

    assert read_notes(path) == {FIRST: {"another"}}


def test_an_attempt_that_begins_twice_stands_there_once(attempts: Attempts, path: Path) -> None:
    attempts.begin(FIRST, "one")
    attempts.begin(FIRST, "one")
    attempts.end(FIRST, "one")

    assert read_notes(path) == {}


def test_the_file_does_not_grow_with_the_messages_that_have_ended(attempts: Attempts, path: Path) -> None:
    attempts.begin(FIRST, "one")
    before = path.stat().st_size
    for number in range(1000):
        key = (f"{number:032x}", 0)
        attempts.begin(key, "one")
        attempts.forget([key])

    assert path.stat().st_size == before


def test_the_file_grows_with_the_messages_that_are_under_way(attempts: Attempts, path: Path) -> None:
    keys = [(f"{number:032x}", 0) for number in range(2000)]
    for key in keys:
        attempts.begin(key, "one")
    attempts.forget(keys[:1000])
    for key in keys[:1000]:
        attempts.begin(key, "another")

    found = read_notes(path)
    assert [found[key] for key in keys] == [{"another"}] * 1000 + [{"one"}] * 1000
    assert len(found) == 2000


def test_a_file_that_somebody_has_removed_keeps_no_message_from_its_gateway(
    attempts: Attempts, path: Path
) -> None:
    attempts.begin(FIRST, "one")
    path.unlink()
    for number in range(2000):
        attempts.begin((f"{number:032x}", 0), "one")

    assert not path.exists()


def test_no_file_is_left_where_nothing_is_left_to_say(path: Path) -> None:
    attempts = Attempts(path)
    attempts.begin(FIRST, "one")
    attempts.forget([FIRST])
    attempts.close()

    assert not path.exists()
    assert read_notes(path) == {}


def test_notes_on_messages_that_have_not_ended_are_left_for_the_next_server(path: Path) -> None:
    attempts = Attempts(path)
    attempts.begin(FIRST, "one")
    attempts.close()

    assert read_notes(path) == {FIRST: {"one"}}
    assert list_owners(path.with_name("smsotp.db")) == [0xABC]


def test_files_that_are_none_of_ours_are_left_alone(tmp_path: Path) -> None:
    for name in ("smsotp.db-attempts-xyz", "other.db-attempts-1", "smsotp.db"):
        (tmp_path / name).touch()

    assert list_owners(tmp_path / "smsotp.db") == []


def test_half_a_note_at_the_end_is_none(attempts: Attempts, path: Path) -> None:
    attempts.begin(FIRST, "one")
    with path.open("ab") as file:
        file.write(b"\1" * 100)

    assert read_notes(path) == {FIRST: {"one"}}


def test_where_nothing_can_be_written_no_gateway_gets_the_message(attempts: Attempts, path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (128, before[1]))
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match=f"{path.name} cannot be written"):
                attempts.begin(FIRST, "one")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    attempts.begin(SECOND, "one")

    assert read_notes(path) == {SECOND: {"one"}}


def test_a_directory_that_cannot_be_written_is_told_by_name(tmp_path: Path) -> None:
    path = find_notes(tmp_path / "gone/smsotp.db", 1)
    with pytest.raises(StoreError, match=os.strerror(2)):
        Attempts(path).begin(FIRST, "one")


class Recorded(bytearray):
    """What is written, in its order: whether the note counts, or what it says."""

    def __init__(self) -> None:
        super().__init__(512 * 128)
        self.written: list[int | bytes] = []

    def __setitem__(self, where: Any, what: Any) -> None:
        self.written.append(what)
        super().__setitem__(where, what)


def test_a_slot_that_is_used_again_counts_for_nobody_while_it_is_written(attempts: Attempts) -> None:
    attempts.begin(FIRST, "one")
    attempts.forget([FIRST])
    assert attempts._notes is not None
    attempts._notes.close()
    recorded = Recorded()
    attempts._notes = cast("mmap.mmap", recorded)
    attempts.begin(SECOND, "another")
    attempts._notes = None

    first, _, last = recorded.written
    assert [first, last] == [0, 1]


def test_nothing_is_noted_and_no_file_is_left_after_the_end(attempts: Attempts, path: Path) -> None:
    for number in range(600):
        attempts.begin((f"{number:032x}", 0), "one")
    attempts.forget([(f"{number:032x}", 0) for number in range(600)])
    attempts.close()

    with pytest.raises(StoreError, match="the store is closed"):
        attempts.begin(FIRST, "one")
    assert not path.exists()


def test_a_file_that_cannot_be_removed_keeps_no_server_from_ending_cleanly(path: Path) -> None:
    attempts = Attempts(path)
    attempts.begin(FIRST, "one")
    attempts.forget([FIRST])
    path.unlink()
    path.mkdir()

    attempts.close()

    assert path.is_dir()


def test_what_could_not_be_noted_is_noted_the_next_time_whatever_was_in_the_way(
    attempts: Attempts, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as short:
        short.setattr(attempts, "_write", fail)
        with pytest.raises(MemoryError):
            attempts.begin(FIRST, "one")
    attempts.begin(FIRST, "one")

    assert read_notes(path) == {FIRST: {"one"}}
