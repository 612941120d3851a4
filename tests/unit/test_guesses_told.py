"""What is said of wrong answers in a row: to the person, in the log, by a trace; and what it costs those who make none."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.errors import NoRoute
from smsotp_plugin.login.decisions import Ask, Reject
from tests.support.attacker import WRONG, bench, log_in, wrong
from tests.support.login_bench import NUMBER, Bench, answer, make, request

__all__ = ["bench", "make"]


def test_the_person_is_told_how_long_to_wait(bench: Bench) -> None:
    told = wrong(bench, 5)
    asked_too_early = bench.login.first_leg(request())

    assert told == Reject("Too many wrong codes. Log in again to get a new one.")
    assert asked_too_early == Reject("Too many wrong codes. You can log in again in 30 s.")


def test_who_may_still_answer_is_asked_again_and_not_told_to_wait(bench: Bench) -> None:
    wrong(bench, 5)
    bench.clock.advance(30)

    told = wrong(bench, 1)

    assert isinstance(told, Ask)
    assert told.prompt.startswith("Wrong code.")


@pytest.mark.parametrize(
    ("guesses", "sections", "text"),
    [
        (6, {}, "in 60 s."),
        (8, {}, "in 4 min."),
        (13, {}, "in 60 min."),
        (20, {"guesses": {"most": 20}}, "in 24 h."),
        (5, {"guesses": {"first_wait": 31}}, "in 31 s."),
        (5, {"challenge": {"wait_text": "Warten Sie {time}"}}, "Warten Sie 30 s"),
        (5, {"challenge": {"on_wrong_code": "reject"}}, "in 30 s."),
    ],
)
def test_the_time_is_said_shortly(
    make: Callable[..., Bench], guesses: int, sections: dict[str, Any], text: str
) -> None:
    bench = make(**sections)
    wrong(bench, guesses)

    told = bench.login.first_leg(request())

    assert isinstance(told, Reject)
    assert told.text.endswith(text)


def test_who_waits_for_an_administrator_is_told_so(make: Callable[..., Bench]) -> None:
    bench = make(guesses={"free": 1, "most": 100, "first_wait": 1, "longest_wait": 1})

    told = wrong(bench, 100)

    assert told == Reject("Too many wrong codes. Ask your administrator.")
    assert bench.login.first_leg(request()) == told


def test_a_locked_person_gets_no_further_sms_either(make: Callable[..., Bench]) -> None:
    bench = make(guesses={"most": 6})
    asked = bench.ask(station="first")
    bench.clock.advance(60)
    wrong(bench, 6, station="second")
    sent = len(bench.outbox.messages)

    told = bench.login.answer_leg(answer(asked.state, "resend", station="first"))

    assert told == Reject("Too many wrong codes. You can log in again in 24 h.")
    assert len(bench.outbox.messages) == sent


def test_each_wait_and_each_lock_is_one_line_however_many_come(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(guesses={"most": 7})
    asked = [bench.ask(station=f"st{number}") for number in range(4)]
    caplog.set_level(logging.WARNING, "smsotp")

    for state in (each.state for each in asked):
        for _ in range(5):
            bench.login.answer_leg(answer(state, WRONG, station="cafe"))
    for _ in range(20):
        bench.login.first_leg(request())

    start = 'user "bob": %s wrong codes in a row, the last from client "vpn", station "cafe": '
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO] == [
        start % 5 + "the next code comes in 30 s",
        start % 6 + "the next code comes in 60 s",
        start % 7 + "no code is sent, and no answer looked at, for 24 h; smsotp unlock ends that",
    ]


def test_the_trace_shows_once_that_somebody_had_to_wait(bench: Bench) -> None:
    wrong(bench, 5)
    for _ in range(20):
        bench.login.first_leg(request())

    refused = [event.detail for event in bench.trace() if event.kind == "rejected"]

    assert refused == ["is refused: after 5 wrong codes in a row, the next code comes in 30 s"]


def test_nothing_readable_is_kept(bench: Bench, tmp_path: Path) -> None:
    log_in(bench, station="192.0.2.99")
    wrong(bench, 6, station="192.0.2.98")

    with closing(sqlite3.connect(tmp_path / "smsotp.db")) as connection:
        kept = repr(
            [
                connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("guesses", "wrong_answers")
            ]
        )

    assert "station" in kept
    assert [text for text in ("bob", "192.0.2", NUMBER, NUMBER[1:]) if text in kept] == []


def test_a_good_first_leg_asks_the_file_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong(bench, 5)
    bench.clock.advance(60)
    asked: list[object] = []
    monkeypatch.setattr(bench.store._file._reader, "alone", lambda: asked.append(None))

    alice = request(user="alice", numbers=("+4915112345678",))

    assert isinstance(bench.login.first_leg(alice), Ask)
    assert asked == []


def test_the_answer_that_locks_is_told_so_at_once(make: Callable[..., Bench]) -> None:
    bench = make(guesses={"most": 5})

    assert wrong(bench, 5) == Reject("Too many wrong codes. You can log in again in 24 h.")


def test_a_uniform_rejection_says_nothing(make: Callable[..., Bench]) -> None:
    bench = make(challenge={"uniform": True}, limits={"per_user": ["2/d"]})
    without_number = bench.login.first_leg(request(user="carol", numbers=()))
    spent = [bench.login.first_leg(request(user="dave", station=f"st{number}")) for number in range(3)][-1]
    wrong(bench, 5, user="bob", numbers=("+4915112345678",))
    waiting = bench.login.first_leg(request(user="bob", numbers=("+4915112345678",)))
    bench.outbox.refusal = NoRoute("no route fits")
    unavailable = bench.login.first_leg(request(user="alice", numbers=("+4915112345679",)))

    assert [without_number, spent, waiting, unavailable] == [Reject("")] * 4
