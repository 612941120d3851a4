"""Nobody gets in by trying, and nobody keeps others out by it: the flow, with time that is moved by hand."""

import itertools
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import NoRoute, TooManyAttempts, WrongCode
from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.login_bench import NUMBER, Bench, answer, make, request

__all__ = ["make"]

DAY = 86_400
CODES = 1_000_000
SPELLINGS = (
    *(
        "bob",
        "BOB",
        "bob ",
        " Bob",
        "b\u200bob",
        "\uff42\uff4f\uff42",
        "bób",
        "bob@example.org",
        "bob@EXAMPLE.ORG@isp",
        "EXAMPLE\\bob",
    ),
    *("example/bob", "bob%example.org", "isp!bob", "EXAMPLE\\Bob@example.org", "BoB"),
)
WRONG = "000000"


class Attacker:
    """Knows bob's password, and tries codes from wherever the test says."""

    def __init__(self, bench: Bench, database: Path) -> None:
        self.bench = bench
        self._database = database
        self.open: list[tuple[str, dict[str, Any]]] = []
        self.accepted = 0

    def ask(self, **place: Any) -> None:
        """Send a first leg, and remember the challenge."""
        asked = self.bench.login.first_leg(request(**place))
        if isinstance(asked, Ask):
            self.open.append((asked.state, place))

    def try_all(self) -> None:
        """Answer each open challenge until it is none any more, or no answer is looked at."""
        for state, place in self.open:
            while isinstance(judged := self.bench.login.answer_leg(answer(state, WRONG, **place)), Ask):
                pass
            self.accepted += isinstance(judged, Accept)
        self.open.clear()

    @property
    def compared(self) -> int:
        """How many wrong answers the store has compared, by the tries that they used up."""
        self.bench.store.flush()
        with closing(sqlite3.connect(self._database)) as connection:
            return int(connection.execute("SELECT sum(5 - tries_left) FROM challenges").fetchone()[0] or 0)


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    """Have a flow whose budgets stop nobody: what they are for is another matter."""
    return make(limits={"mode": "record"})


@pytest.fixture
def attacker(bench: Bench, tmp_path: Path) -> Attacker:
    return Attacker(bench, tmp_path / "smsotp.db")


def log_in(bench: Bench, **place: Any) -> Ask | Accept | Reject | object:
    """Do both legs with the right code; returns what came of the last one."""
    asked = bench.login.first_leg(request(**place))
    if not isinstance(asked, Ask):
        return asked
    bench.store.flush()
    return bench.login.answer_leg(answer(asked.state, bench.code(), **place))


def wrong(bench: Bench, count: int, **place: Any) -> object:
    """Give so many wrong answers in a row, each as soon as it is possible; returns what came of the last one."""
    judged: object = None
    given = 0
    while given < count:
        asked = bench.login.first_leg(request(**place))
        if not isinstance(asked, Ask):
            bench.clock.advance(30)
            continue
        judged = asked
        while given < count and isinstance(judged, Ask):
            judged = bench.login.answer_leg(answer(asked.state, WRONG, **place))
            given += 1
    return judged


@pytest.mark.parametrize("stations", [1, 100, 1000])
@pytest.mark.parametrize("saved", [1, 30], ids=["at once", "saved up"])
def test_an_attacker_who_knows_the_password_has_fifty_guesses_a_day_and_the_victim_logs_in(
    attacker: Attacker, stations: int, saved: int
) -> None:
    bench = attacker.bench
    usual = {"station": "home"}
    assert log_in(bench, **usual) == Accept()
    places = itertools.cycle(
        {
            "station": f"st{number % stations}",
            "client": f"nas{number % 7}",
            "user": SPELLINGS[number % len(SPELLINGS)],
        }
        for number in range(stations * 7 * len(SPELLINGS))
    )
    seen = []

    for minute in range(DAY // 60):
        bench.clock.advance(60)
        for _ in range(5):
            attacker.ask(**next(places))
        if minute % saved == 0:
            attacker.try_all()
        if minute % 60 == 30:
            seen.append(log_in(bench, **usual))

    assert seen == [Accept()] * 24
    assert attacker.accepted == 0
    assert 0 < attacker.compared <= 50
    assert attacker.compared / CODES <= 5e-5


def test_neither_guesses_nor_sms_of_an_attacker_keep_the_owner_out(
    make: Callable[..., Bench], tmp_path: Path
) -> None:
    attacker = Attacker(bench := make(), tmp_path / "smsotp.db")
    usual = {"station": "home"}
    seen = [log_in(bench, **usual)]

    for minute in range(DAY // 60):
        bench.clock.advance(60)
        for number in range(5):
            attacker.ask(station=f"st{minute}-{number}")
        attacker.try_all()
        if minute % 120 == 60:
            seen.append(log_in(bench, **usual))

    assert seen == [Accept()] * 13
    assert attacker.compared <= 50


def test_answers_that_were_saved_up_for_a_lock_are_not_looked_at(attacker: Attacker) -> None:
    bench = attacker.bench
    for number in range(40):
        attacker.ask(station=f"st{number}")

    attacker.try_all()
    bench.clock.advance(DAY - 1)
    for number in range(40):
        attacker.ask(station=f"st{number}")
    attacker.try_all()

    assert attacker.compared == 50


def test_a_week_of_it_is_fifty_and_one_a_day(attacker: Attacker) -> None:
    for _ in range(7 * 24 * 4):
        attacker.bench.clock.advance(900)
        for number in range(12):
            attacker.ask(station=f"st{number}")
        attacker.try_all()

    assert attacker.compared <= 50 + 6


def test_who_sends_no_station_has_fifty_a_day_from_all_clients_together(attacker: Attacker) -> None:
    bench = attacker.bench
    clients = [f"nas{number}" for number in range(4)]
    for client in clients:
        assert log_in(bench, client=client, station="") == Accept()
        bench.clock.advance(60)

    for number in range(24 * 60):
        bench.clock.advance(60)
        attacker.ask(client=clients[number % 4], station="" if number % 3 else f"st{number}")
        attacker.try_all()

    assert attacker.compared <= 50


def test_a_known_client_without_stations_is_not_shut_by_what_others_do(attacker: Attacker) -> None:
    bench = attacker.bench
    assert log_in(bench, client="vpn", station="") == Accept()
    for number in range(20):
        attacker.ask(client="other", station=f"st{number}")
    attacker.try_all()

    assert isinstance(bench.login.first_leg(request(client="other", station="")), Reject)
    assert log_in(bench, client="vpn", station="") == Accept()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_the_name_is_a_way_round(bench: Bench, spelling: str) -> None:
    wrong(bench, 5, user=spelling)

    assert isinstance(
        bench.login.first_leg(request(user="bob", station="elsewhere", numbers=("+4915112345678",))), Reject
    )


def test_another_name_with_the_same_number_is_no_way_round(bench: Bench) -> None:
    wrong(bench, 5, user="robert.smith")

    assert isinstance(bench.login.first_leg(request(user="rsmith", station="elsewhere")), Reject)
    assert isinstance(bench.login.first_leg(request(user="rsmith", numbers=("+4915112345678",))), Ask)


@pytest.mark.parametrize("alias", [False, True])
def test_a_number_that_changes_gives_no_further_guesses_under_the_name(
    attacker: Attacker, *, alias: bool
) -> None:
    numbers = itertools.cycle((f"+49170{1000000 + count}",) for count in range(7))
    for count in range(DAY // 60):
        attacker.bench.clock.advance(60)
        attacker.ask(
            station=str(count), user="robert" if alias and count % 2 else "bob", numbers=next(numbers)
        )
        # Answers come from the same packet, with the number that the directory has meanwhile.
        if count % 2:
            attacker.try_all()

    assert attacker.accepted == 0
    assert attacker.compared <= (100 if alias else 50)


def test_another_name_with_the_same_number_is_no_way_round_while_the_key_is_changed(bench: Bench) -> None:
    wrong(bench, 5)
    guard = bench.login._guard
    guard._names = Fingerprints(b"n" * 32, 6, "0123456789", lambda count: b"r" * count, guard._names)

    refused = guard.refusal(request(user="alice"), parse_number(NUMBER, None))

    assert refused == Reject("Too many wrong codes. You can log in again in 30 s.")


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


def test_a_right_code_ends_the_row(bench: Bench) -> None:
    wrong(bench, 4)
    assert log_in(bench) == Accept()

    wrong(bench, 4)

    assert isinstance(bench.login.first_leg(request(station="elsewhere")), Ask)


def test_what_cannot_be_compared_counts_for_nothing(bench: Bench) -> None:
    asked = bench.ask()
    for _ in range(2):
        bench.clock.advance(40)
        bench.login.answer_leg(answer(asked.state, "resend"))
    bench.clock.advance(300)
    for _ in range(20):
        bench.login.answer_leg(answer(asked.state, WRONG))

    assert isinstance(bench.login.first_leg(request()), Ask)


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


def test_two_servers_on_one_file_count_together(bench: Bench, tmp_path: Path) -> None:
    asked = bench.ask()
    other = SqliteStore(tmp_path / "smsotp.db", 30, DAY, bench.clock)
    guesser = bench.login._guard.guesser(request())
    for number in range(5):
        store = (bench.store, other)[number % 2]
        with pytest.raises((WrongCode, TooManyAttempts)):
            store.answer(asked.state, "bob", "0" * 32, bench.clock.time(), guesser)
    other.close()

    assert isinstance(bench.login.first_leg(request()), Reject)


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
