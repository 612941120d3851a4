"""Nobody gets in by trying, and nobody keeps others out by it: the flow, with time that is moved by hand."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import TooManyAttempts, WrongCode
from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.attacker import CODES, DAY, SPELLINGS, WRONG, Attacker, attacker, bench, log_in, wrong
from tests.support.login_bench import NUMBER, Bench, answer, make, request

__all__ = ["attacker", "bench", "make"]


@pytest.mark.parametrize("stations", [1, 1000])
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
