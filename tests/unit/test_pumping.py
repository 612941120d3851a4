"""Shares of answers: who pumps is noticed and braked, and who works is left alone."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import Braked, Outcome
from smsotp_plugin.login.budgets import make_rules
from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.login.pumping import BRAKE, PumpingWatch
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.sms.kinds import cut_block
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.schemes import read_limits
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.login_bench import Bench, answer, make, request
from tests.support.replay import Replay
from tests.support.traffic import DAY, HOUR, live, make_people, make_victims

__all__ = ["make"]

GRACE = 181.0
ENFORCE = {"pumping": "enforce", "per_user": [], "per_number": []}


class Site:
    """A watch with a store and time; people come, and answer or not."""

    def __init__(self, place: Path, **limits: Any) -> None:
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.place = place
        self.limits = LimitSettings(**({"pumping": "enforce"} | limits))
        self._count = 0
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.place / "smsotp.db", 30.0, DAY, self.clock)
        names = CodeMaker(b"k" * 32, 6, "0123456789", bytes).names
        self.watch = PumpingWatch(self.limits, names, self.store, self.clock)
        self.watch.keep()

    def restart(self) -> None:
        self.watch.stop()
        self.store.close()
        self.open()

    def send(self, number: str = "+491701230000", *, answered: bool = False, **fields: Any) -> bool:
        """Log in; tells whether an SMS was sent."""
        self._count += 1
        asked = request(**({"station": f"s{self._count}"} | fields))
        phone = parse_number(number, None)
        try:
            self.watch.check(asked, phone)
        except Braked:
            return False
        self.watch.note_sent(str(self._count), asked, phone)
        if answered:
            self.watch.note_answered(str(self._count))
        return True

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.watch.keep()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def at(**limits: Any) -> Site:
        made.append(Site(tmp_path, **limits))
        return made[-1]

    yield at
    for site in made:
        site.store.close()


def block(number: int, prefix: str = "+49170123") -> str:
    return f"{prefix}{number:04d}"


def test_a_block_that_never_answers_gets_twenty_sms(at: Callable[..., Site]) -> None:
    site = at()
    at_once = [site.send(block(number)) for number in range(100)]
    site.wait(GRACE)
    later = [site.send(block(number)) for number in range(100)]

    assert at_once == [True] * 20 + [False] * 80
    assert not any(later)


def test_a_brake_is_told_once_and_ends_after_twelve_hours(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    for number in range(50):
        site.send(block(number))
    site.wait(GRACE)
    for _ in range(100):
        site.send()
    site.wait(BRAKE - 1)
    before = site.send()
    site.wait(DAY)
    after = site.send()

    assert (before, after) == (False, True)
    assert (
        caplog.text.count(
            "numbers that begin with +49170123: of the codes of one day 20 were not answered and 0 were; "
            "no SMS are sent there for 12 hours, smsotp limits lifts that"
        )
        == 1
    )


def test_recording_sends_and_tells(at: Callable[..., Site], caplog: pytest.LogCaptureFixture) -> None:
    site = at(pumping="record")
    sent = [site.send(block(number)) for number in range(100)]
    site.wait(GRACE)
    for _ in range(5):
        site.send()

    assert all(sent)
    assert caplog.text.count("no SMS would be sent there (limits.pumping) for 12 hours") == 1


def test_those_who_answer_are_left_alone_also_while_many_are_under_way(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(30):
        site.send(block(number), answered=True)

    assert all(site.send(block(number)) for number in range(30))


def test_one_answer_opens_no_block_to_a_flood(at: Callable[..., Site]) -> None:
    site = at()
    site.send(answered=True)
    sent = sum(site.send(block(number)) for number in range(500))
    site.wait(GRACE)

    assert sent <= 40
    assert not site.send()


def test_a_list_of_passwords_tried_from_one_station_is_braked(at: Callable[..., Site]) -> None:
    site = at()
    site.send(station="home", answered=True)
    sent = sum(
        site.send(f"+4917{number:08d}", user=f"u{number}", station="198.51.100.7")
        for number in range(10_000_000, 30_000_000, 100_000)
    )
    site.wait(GRACE)

    assert sent == 20
    assert site.send("+491799999999", station="home", answered=True)


def test_a_country_that_nobody_ever_answers_from_is_braked_and_another_one_is_not(
    at: Callable[..., Site],
) -> None:
    site = at()
    site.send(answered=True)
    sent = sum(site.send(block(0, f"+3876{number:04d}"[:9])) for number in range(200))
    others = [site.send(block(number), answered=True) for number in range(50)]

    assert sent == 20
    assert all(others)


def test_a_country_that_people_answer_from_is_only_told(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    site.send(answered=True)
    sent = 0
    for number in range(10_000_000, 10_900_000, 10_000):
        sent += site.send(f"+4917{number:08d}")
        site.wait(30)

    assert sent == 90
    assert caplog.text.count("numbers of DE: of the codes of one day") == 1
    assert "is somebody pumping SMS?" in caplog.text


def test_when_sms_do_not_arrive_at_all_nobody_is_braked(
    at: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = at()
    for number in range(60):
        site.send(block(number % 30), station=f"office{number % 3}", answered=True)
    site.wait(2 * HOUR)
    during = []
    for number in range(120):
        during.append(site.send(block(number % 30), station=f"office{number % 3}"))
        site.wait(30)
    site.wait(GRACE)
    after = [
        site.send(block(number % 30), station=f"office{number % 3}", answered=True) for number in range(60)
    ]

    assert all(during)
    assert all(after)
    assert "codes are not answered even where they usually are: do SMS of the gateways arrive?" in caplog.text


def test_a_late_answer_is_one(at: Callable[..., Site]) -> None:
    site = at()
    for _ in range(19):
        site.send()
    site.wait(GRACE)
    for number in range(1, 20):
        site.watch.note_answered(str(number))

    assert all(site.send() for _ in range(19))


def test_what_no_gateway_took_is_no_sms(at: Callable[..., Site]) -> None:
    site = at()
    for _ in range(100):
        assert site.send()
        site.watch.note_unsent(str(site._count))
    site.wait(GRACE)

    assert site.send()


def test_brakes_and_what_was_normal_survive_a_restart(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    for number in range(200):
        site.send(block(number, "+49170999"), answered=True)
    site.wait(GRACE)
    site.restart()
    braked = site.send()
    site.wait(DAY * 3)
    site.restart()
    # A day's worth may be under way, and a third of it stay unanswered.
    sent = sum(site.send(block(number, "+49170999")) for number in range(300))

    assert not braked
    assert 200 <= sent <= 260


def test_a_brake_that_is_lifted_is_gone_within_a_second(at: Callable[..., Site]) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    braked = site.send()
    for brake in site.store.list_brakes():
        with site.store._file.transaction() as connection:
            connection.execute("DELETE FROM brakes WHERE key = ?", (brake.key,))
    site.wait(1)

    assert not braked
    assert site.send()


def test_another_server_on_the_same_store_brakes_too(at: Callable[..., Site], tmp_path: Path) -> None:
    site, other = at(), Site(tmp_path)
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    other.wait(GRACE)
    braked = not other.send()
    other.store.close()

    assert braked


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -DAY, DAY])
def test_a_clock_that_is_set_ends_no_brake_and_makes_none(at: Callable[..., Site], jump: float) -> None:
    site = at()
    for number in range(20):
        site.send(block(number))
    site.wait(GRACE)
    site.clock.set_by(jump)
    site.wait(1)
    braked = not site.send()
    other = all(site.send(block(number, "+43664123"), answered=True) for number in range(50))

    assert braked or jump >= BRAKE
    assert other


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
