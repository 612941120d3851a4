"""Whoever can send packets fills neither the log nor the delivery log: what they repeat is told once in a while."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.errors import NoGatewayAlive, NoRoute, QueueFull
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.news import News, Ration
from tests.support.clock import FakeClock
from tests.support.login_bench import Bench, answer, request

MANY = 1000
#: What a packet may add on average in the long run is nothing; at once it is a few, or a ration where names are made up.
FEW, MANY_NAMES = 5, 61

#: Prepares, and returns what is repeated, given the number of the packet.
Attack = Callable[[Bench], Callable[[int], object]]


def first_legs(refusal: Exception | None = None, **fields: Any) -> Attack:
    def prepare(bench: Bench) -> Callable[[int], object]:
        bench.outbox.refusal = refusal
        return lambda _: bench.login.first_leg(request(**fields))

    return prepare


def spellings(bench: Bench) -> Callable[[int], object]:
    bench.outbox.refusal = QueueFull("full")
    return lambda number: bench.login.first_leg(request(user=f"BOB@{number}.example", station=str(number)))


def answers(typed: str, wait: float = 0, wrong: int = 0) -> Attack:
    def prepare(bench: Bench) -> Callable[[int], object]:
        asked = bench.ask()
        right = bench.code()
        for _ in range(wrong):
            bench.login.answer_leg(answer(asked.state, "000000"))
        bench.clock.advance(wait)
        return lambda _: bench.login.answer_leg(answer(asked.state, typed or right))

    return prepare


def resends_without_room(bench: Bench) -> Callable[[int], object]:
    asked = bench.ask()
    bench.clock.advance(40)

    def resend(number: int) -> object:
        bench.outbox.refusal = QueueFull(f"{number} messages are on their way")
        return bench.login.answer_leg(answer(asked.state, "resend"))

    return resend


def without_a_store(where: str) -> Attack:
    def prepare(bench: Bench) -> Callable[[int], object]:
        asked = bench.ask()
        bench.store.broken = where
        again = request(station="elsewhere") if where == "open" else answer(asked.state, "000000")
        return lambda _: (bench.login.first_leg if where == "open" else bench.login.answer_leg)(again)

    return prepare


def without_a_password(bench: Bench) -> Callable[[int], object]:
    asked = bench.ask()
    return lambda _: bench.login.answer_leg(request(state=asked.state, password=None))


def to_a_lost_challenge(typed: str) -> Attack:
    def prepare(bench: Bench) -> Callable[[int], object]:
        asked = bench.ask()
        return lambda _: bench.login.answer_leg(answer(asked.state, typed, user="somebody else"))

    return prepare


def after_wrong_codes(bench: Bench) -> Callable[[int], object]:
    asked = bench.ask()
    for _ in range(5):
        bench.login.answer_leg(answer(asked.state, "000000"))
    return lambda number: bench.login.first_leg(request(station=str(number)))


def over_budget(bench: Bench) -> Callable[[int], object]:
    for number in range(10):
        bench.ask(station=f"before {number}")
    return lambda number: bench.login.first_leg(request(station=str(number)))


def strange_states(bench: Bench) -> Callable[[int], object]:
    return lambda number: bench.login.is_answer(
        LoginRequest("", None, f"{number:032x}", "", "", "", "", "", "", ())
    )


def states_of_others(bench: Bench) -> Callable[[int], object]:
    state = bench.ask().state
    return lambda number: bench.login.is_answer(request(user=f"somebody {number}", state=state))


def refused_by_policies(bench: Bench) -> Callable[[int], object]:
    return lambda number: bench.login.note_refusal(
        f"somebody {number}", "smsotp_guard: User-Name comes more than once"
    )


REPEATED: dict[str, tuple[Attack, int]] = {
    "a first leg without a number": (first_legs(numbers=()), FEW),
    "a first leg with a number that gets no SMS": (first_legs(numbers=("+49900123456",)), FEW),
    "a first leg beyond a share of the queue": (first_legs(QueueFull("full")), FEW),
    "a first leg without a route": (first_legs(NoRoute("none")), FEW),
    "a first leg without a gateway": (first_legs(NoGatewayAlive("dead")), FEW),
    "a first leg in many spellings": (spellings, FEW),
    "the same first leg": (first_legs(), FEW),
    "a first leg after wrong codes": (after_wrong_codes, 15),
    "a first leg over budget": (over_budget, 30),
    "a first leg without a store": (without_a_store("open"), FEW),
    "an answer without a store": (without_a_store("answer"), FEW),
    "an answer without a password": (without_a_password, FEW),
    "an answer after the last try": (answers("000000", wrong=5), 15),
    "an answer that is too late": (answers("000000", wait=301), FEW),
    "a wish that is too late": (answers("resend", wait=301), FEW),
    "a wish that is too early": (answers("resend"), FEW),
    "a wish without room": (resends_without_room, FEW),
    "the same right answer": (answers(""), FEW),
    "an answer to a challenge that the store does not hold": (to_a_lost_challenge("000000"), FEW),
    "a wish about a challenge that the store does not hold": (to_a_lost_challenge("resend"), FEW),
    "a State that nobody has": (strange_states, MANY_NAMES),
    "a State of somebody else": (states_of_others, MANY_NAMES),
    "what the policies reject": (refused_by_policies, MANY_NAMES),
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, {})
    yield made
    made.store.close()


def count_rows(bench: Bench) -> int:
    bench.store.broken = ""
    bench.store.flush()
    with closing(sqlite3.connect(bench.place.database)) as connection:
        ((number,),) = connection.execute("SELECT count(*) FROM events")
    return int(number)


@pytest.mark.parametrize("what", REPEATED)
def test_what_anybody_can_repeat_is_told_once_in_a_while(
    bench: Bench, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    caplog.set_level(logging.INFO)
    attack, most = REPEATED[what]
    repeat = attack(bench)

    for number in range(MANY):
        repeat(number)
        bench.clock.advance(0.001)

    assert 1 <= len(caplog.records) <= most
    assert count_rows(bench) <= most


def test_it_is_told_again_a_minute_later(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        bench.login.first_leg(request(numbers=()))
        bench.login.first_leg(request(numbers=()))
        bench.clock.advance(61)

    assert caplog.text.count("no SMS can be sent") == 3


def test_how_many_were_held_back_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        bench.login.note_refusal(f"n{number}", "a policy")
    bench.clock.advance(60)
    bench.login.note_refusal("last", "a policy")

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 61
    assert told[0] == 'user "n0" is refused by a policy'
    assert (
        told[59] == 'user "n59" is refused by a policy; further ones of this minute are counted, not logged'
    )
    assert told[60] == 'user "last" is refused by a policy; 40 before that were not logged'


def test_one_reason_of_the_policies_does_not_hide_another(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        bench.login.note_refusal(f"n{number}", "a policy")
    bench.login.note_refusal("bob", "another policy")

    assert 'user "bob" is refused by another policy' in caplog.text


def test_what_is_remembered_of_what_was_told_is_bounded() -> None:
    news = News(FakeClock())

    told = sum(news.is_news(str(number)) for number in range(25_000))

    assert told == 25_000
    assert len(news._told) <= 10_000
    assert Ration(FakeClock()).take() == ""
