"""Shares of answers, seen by the flow: floods are braked, and who works is left alone."""

import logging
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_plugin.errors import Outcome
from smsotp_plugin.login.budgets import make_rules
from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.sms.kinds import cut_block
from smsotp_plugin.stores.schemes import read_limits
from tests.support.login_bench import Bench, answer, make, request
from tests.support.pumping_site import ENFORCE, GRACE, block
from tests.support.replay import Replay
from tests.support.traffic import live, make_people, make_victims

__all__ = ["make"]


def test_a_flood_through_the_flow_is_braked(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "smsotp")
    bench = make(limits={"pumping": "enforce"})
    chance = random.Random(7)
    victims = make_victims(1000, 50, chance)
    sent: Counter[str] = Counter()
    for leg in range(6_000):
        bench.clock.advance(0.5)
        victim = victims[chance.randrange(len(victims))]
        if isinstance(bench.login.first_leg(victim.request(f"10.0.{leg // 250}.{leg % 250}")), Ask):
            sent[cut_block(victim.number)] += 1

    assert len(sent) == 50
    assert max(sent.values()) <= 20


def test_whoever_is_braked_reads_a_sentence_and_an_answer_counts(make: Callable[..., Bench]) -> None:
    bench = make(limits=ENFORCE)
    asked = [bench.login.first_leg(request(user=f"u{n}", station=f"s{n}")) for n in range(25)]
    refused = [each for each in asked if isinstance(each, Reject)]
    first = asked[0]
    assert isinstance(first, Ask)
    bench.store.flush()
    code = bench.outbox.messages[0].otp.get_secret_value()
    accepted = bench.login.answer_leg(answer(first.state, code, user="u0", station="s0"))
    again = bench.login.first_leg(request(user="u0", station="s99"))

    assert len(refused) == 5
    assert {each.text for each in refused} == {"Too many codes were asked for. Try again later."}
    assert accepted == Accept()
    assert isinstance(again, Ask)


@pytest.mark.parametrize(("mode", "counted"), [("enforce", "refused"), ("record", "recorded")])
def test_each_log_in_that_is_braked_counts_once(make: Callable[..., Bench], mode: str, counted: str) -> None:
    bench = make(limits=ENFORCE | {"pumping": mode})
    for number in range(25):
        bench.login.first_leg(request(user=f"u{number}", station=f"s{number}"))
    if mode == "record":
        bench.clock.advance(GRACE)
        for number in range(5):
            bench.login.first_leg(request(user=f"v{number}", station=f"t{number}"))
    bench.store.flush()
    usage = read_limits(bench.place, make_rules(LimitSettings()), (), bench.clock)

    assert {count.name: count.number for count in usage.counts}[f"pumping {counted}"] == 5


def test_one_stolen_password_keeps_nobody_with_a_similar_number_out_at_a_known_place(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits={"pumping": "enforce", "per_number": ["100/d"], "per_user": ["100/d"]})
    home = {
        name: {"user": name, "station": f"home of {name}", "numbers": (block(n),)}
        for n, name in enumerate("abcdef")
    }
    for _ in range(5):
        for fields in home.values():
            asked = bench.ask(**fields)
            assert bench.login.answer_leg(answer(asked.state, bench.code(), **fields)) == Accept()
        bench.clock.advance(40)
    stolen = [
        bench.login.first_leg(request(**home["a"] | {"station": f"stolen {count}"})) for count in range(60)
    ]
    bench.clock.advance(GRACE)
    braked = bench.login.first_leg(request(**home["b"] | {"station": "a hotel"}))

    assert isinstance(stolen[-1], Reject)
    assert isinstance(braked, Reject)
    for fields in home.values():
        asked = bench.ask(**fields)
        assert bench.login.answer_leg(answer(asked.state, bench.code(), **fields)) == Accept()


def test_a_client_that_sends_no_station_is_braked_although_people_are_known_there(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits=ENFORCE)
    people = [{"user": f"u{number}", "station": "", "numbers": (block(number),)} for number in range(30)]
    for fields in people[:5]:
        asked = bench.ask(**fields)
        assert bench.login.answer_leg(answer(asked.state, bench.code(), **fields)) == Accept()
    bench.clock.advance(40)

    for _ in range(3):
        for fields in people[5:]:
            bench.login.first_leg(request(**fields))
        bench.clock.advance(40)
    bench.clock.advance(GRACE)

    assert {type(bench.login.first_leg(request(**fields))) for fields in people[:5]} == {Reject}


def test_an_sms_that_no_gateway_takes_brakes_nobody(make: Callable[..., Bench]) -> None:
    bench = make(limits=ENFORCE)
    bench.outbox.outcome = Outcome.REFUSED
    asked = []
    for turn in range(60):
        asked.append(bench.login.first_leg(request(user=f"u{turn}")))
        bench.store.flush()

    assert all(isinstance(each, Ask) for each in asked)


@pytest.mark.parametrize("seed", [1, 2])
def test_people_who_work_are_left_alone(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    replay = Replay(tmp_path)
    replay.run(live(make_people(400, chance), 10, chance))
    replay.close()

    assert replay.log_ins > 3_000
    assert replay.braked == 0
