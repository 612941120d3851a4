"""Whatever comes, each reader of foreign bytes reads it or refuses it in its own words; what was ever found is tried again."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import million
from tests.fuzz.million import read_one, run
from tests.fuzz.mutating import mutate
from tests.fuzz.reader import Reader
from tests.fuzz.readers import CORPUS, NAMES, all_readers

#: Of each reader; `tox -e million` does more of them.
CASES = 1000


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, Reader]]:
    with all_readers() as readers:
        yield readers


def test_every_reader_has_its_name(readers: dict[str, Reader]) -> None:
    assert sorted(readers) == sorted(NAMES)
    assert {path.parent.name for path in CORPUS.glob("*/*")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_valid_examples_and_what_was_found_are_read_or_refused(readers: dict[str, Reader], name: str) -> None:
    found = [path.read_bytes() for path in sorted(CORPUS.glob(f"{name}/*"))]

    assert [bool(readers[name].read(case)) for case in (*readers[name].examples, *found)] == [True] * (
        len(readers[name].examples) + len(found)
    )


@pytest.mark.parametrize("name", NAMES)
def test_changed_examples_are_read_or_refused(readers: dict[str, Reader], name: str) -> None:
    assert run(readers[name], CASES, 60, seed=2) == 0


def fail(case: bytes) -> str:
    if b"\xff" in case:
        raise KeyError(case)
    return "fine"


def test_what_a_reader_does_not_announce_is_found_and_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(million, "CORPUS", tmp_path)
    reader = Reader("bad", (b"valid",), (b"\xff",), fail)

    assert run(reader, 1000, 60, seed=1) == 1
    (kept,) = tmp_path.glob("bad/*")
    assert b"\xff" in kept.read_bytes()
    assert "bad: FOUND" in capsys.readouterr().out


def test_the_same_seed_makes_the_same_cases() -> None:
    def cases(seed: int) -> list[bytes]:
        random = Random(seed)
        return [mutate(random, [b"one example", b"another"], [b"token"]) for _ in range(200)]

    assert cases(1) == cases(1)
    assert cases(1) != cases(2)
    assert len(set(cases(1))) > 150


def noting(seen: list[bytes]) -> Reader:
    """Return a reader that notes its cases, and to which each is something new."""

    def read(case: bytes) -> str:
        seen.append(case)
        return case.hex()

    return Reader("any", (b"one example", b"another"), (b"token",), read)


def test_what_was_broken_off_goes_on_with_the_seed_that_was_told_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(million, "_BLOCK", 100)

    def cases(number: int, seed: int) -> list[bytes]:
        seen: list[bytes] = []
        assert run(noting(seen), number, 60, seed) == 0
        return seen

    assert cases(250, 5) == [*cases(100, 5), *cases(100, 6), *cases(50, 7)]
    assert "any: 250 cases" in (told := capsys.readouterr().out)
    assert "seed 7" in told


def test_cases_do_not_grow_on() -> None:
    seen: list[bytes] = []

    assert run(noting(seen), 20_000, 60, seed=1) == 0
    assert sorted(map(len, seen))[len(seen) // 2] <= 30


def test_a_finding_is_told_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(million, "CORPUS", tmp_path)
    findings: set[str] = set()

    for case in (b"\xff", b"\xff\xff"):
        read_one(Reader("bad", (b"",), (b"",), fail), case, findings)

    assert len(findings) == len(list(tmp_path.glob("bad/*"))) == 1
