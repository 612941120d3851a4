"""What a gateway's trouble with some messages costs everybody else, on a clock of its own and without threads."""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    ConnectFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    NoGatewayAlive,
    Outcome,
    ProtocolViolation,
    Throttled,
)
from smsotp_plugin.sms.message import Message
from tests.unit.dispatch_simulation import Simulation, Turn


@dataclass(frozen=True)
class Failure:
    """How a gateway fails: how, and whether a probe succeeds nevertheless."""

    turn: Turn
    probe: bool = True


FAILURES = [
    Failure(Turn(0.05, GatewayUnavailable("status 500"))),
    Failure(Turn(0.05, ProtocolViolation("garbage"))),
    Failure(Turn(3.0, AnswerTimeout("silence"))),
    Failure(Turn(0.0, ConnectFailed("refused")), probe=False),
]
GOOD = Turn(0.05, None)
TROUBLEMAKER = "mallory"


@dataclass
class People:
    """Log-ins of people who are all different, and of one who comes again and again."""

    world: Simulation
    told: Counter[str] = field(default_factory=Counter)
    count: int = 0

    def log_in(self) -> str:
        """Log in somebody who has not been seen; return the reference."""
        self.count += 1
        self._submit(f"p{self.count}", f"user{self.count}", f"+49170{1000000 + self.count}")
        return f"p{self.count}"

    def trouble(self) -> None:
        """Log in the one whose messages fail."""
        self.count += 1
        self._submit(f"t{self.count}", TROUBLEMAKER, "+491709999999")

    def _submit(self, reference: str, user: str, number: str) -> None:
        try:
            self.world.submit(reference, user, number)
        except NoGatewayAlive:
            self.told["refused" if user != TROUBLEMAKER else "trouble refused"] += 1


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("every", "others_every", "duration"), [(0.1, 1.0, 60), (4.0, 9.0, 600)])
def test_one_person_whose_messages_fail_costs_nobody_else_a_log_in(
    failure: Failure, every: float, others_every: float, duration: int
) -> None:
    def behave(_: str, message: Message) -> Turn:
        return failure.turn if message.user == TROUBLEMAKER else GOOD

    people = People(Simulation(["only"], behave))
    steps = int(duration / every)
    for step in range(steps):
        people.trouble()
        if int(step * every / others_every) != int((step + 1) * every / others_every):
            people.log_in()
        people.world.advance(every)
    people.world.advance(60)

    assert people.told["refused"] == 0
    served = [reference for reference in people.world.accepted if reference.startswith("p")]
    assert len(served) == int(duration / others_every) > 0


def test_three_people_whose_numbers_are_limited_cost_nobody_else_a_log_in_while_others_are_served() -> None:
    def behave(_: str, message: Message) -> Turn:
        return Turn(0.05, Throttled("slow", retry_after=600)) if message.user.startswith("limited") else GOOD

    people = People(Simulation(["only"], behave))
    for second in range(300):
        limited = second % 3
        with contextlib.suppress(NoGatewayAlive):
            people.world.submit(f"t{second}", f"limited{limited}", f"+49170999999{limited}")
        if second % 5 == 0:
            people.log_in()
        people.world.advance(1)
    people.world.advance(60)

    assert people.told["refused"] == 0
    assert sum(reference.startswith("p") for reference in people.world.accepted) == people.count


def test_who_is_asked_to_wait_waits_with_all_messages_that_are_on_the_way() -> None:
    def behave(_: str, message: Message) -> Turn:
        tried.append(message.reference)
        return Turn(0.05, Throttled("slow", retry_after=20))

    tried: list[str] = []
    people = People(Simulation(["only"], behave, connections=1))
    people.trouble()
    people.world.advance(31)
    # It has throttled this person before, and does not rest for the others any more.
    for _ in range(3):
        people.trouble()
    people.world.advance(15)

    assert tried == ["t1", "t1", "t2"]


def test_who_is_asked_to_wait_for_longer_than_a_message_may_take_is_told_at_once() -> None:
    def behave(_: str, message: Message) -> Turn:
        return Turn(0.05, Throttled("slow", retry_after=600)) if message.user == TROUBLEMAKER else GOOD

    people = People(Simulation(["first", "second"], behave))
    people.trouble()
    people.world.advance(11)
    people.trouble()
    people.log_in()
    people.world.advance(60)

    assert people.told == {"trouble refused": 1}
    assert [*people.world.accepted] == ["p3"]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("turn", [3, 5, 8, 20])
def test_two_gateways_that_fail_in_turn_refuse_hardly_anybody(failure: Failure, turn: int) -> None:
    def is_well(gateway: str) -> bool:
        return int(world.clock.monotonic() / turn) % 2 == ["first", "second"].index(gateway)

    world = Simulation(
        ["first", "second"],
        lambda gateway, _: GOOD if is_well(gateway) else failure.turn,
        lambda gateway: failure.probe or is_well(gateway),
    )
    people = People(world)
    for _ in range(1200):
        people.log_in()
        world.advance(0.1)
    world.advance(60)

    assert people.told["refused"] <= 0.03 * people.count
    assert sum(outcome is Outcome.ACCEPTED for outcome in world.outcomes.values()) >= 0.9 * people.count


@pytest.mark.parametrize("failure", FAILURES)
def test_while_every_gateway_fails_a_few_are_tried_and_all_others_are_told_at_once(
    failure: Failure,
) -> None:
    world = Simulation(["first", "second"], lambda *_: failure.turn, lambda _: failure.probe)
    people = People(world)
    for _ in range(6000):
        people.log_in()
        world.advance(0.1)

    asked = people.count - people.told["refused"]
    assert asked <= 0.1 * people.count
    assert (world.hopes.total() > 0) == failure.probe


@pytest.mark.parametrize("error", [AuthFailed("status 401"), CreditExhausted("no money")])
def test_an_account_that_is_refused_costs_one_person_the_log_in_at_once_and_one_every_few_minutes(
    error: DeliveryError,
) -> None:
    world = Simulation(["only"], lambda *_: Turn(0.05, error))
    people = People(world)
    first = people.log_in()
    world.advance(1)
    for _ in range(3600):
        people.log_in()
        world.advance(1)

    assert world.outcomes[first] is Outcome.NOT_SENT
    assert people.count - people.told["refused"] <= 1 + 1 + 3600 / 180


@pytest.mark.parametrize("who", ["one person", "many people"])
def test_after_an_account_was_mended_it_serves_within_five_minutes(who: str) -> None:
    error: list[DeliveryError | None] = [CreditExhausted("no money")]
    world = Simulation(["only"], lambda *_: Turn(0.05, error[0]))
    people = People(world)
    log_in = people.trouble if who == "one person" else people.log_in
    for _ in range(1234):
        log_in()
        world.advance(1)
    error[0] = None
    for _ in range(300):
        log_in()
        world.advance(1)
    before = sum(people.told.values())
    log_in()

    assert sum(people.told.values()) == before
    assert world.accepted.total() > 0


def test_an_account_that_is_refused_for_one_person_only_is_not_closed_for_the_others_again() -> None:
    def behave(_: str, message: Message) -> Turn:
        return Turn(0.05, AuthFailed("status 403")) if message.user == TROUBLEMAKER else GOOD

    people = People(Simulation(["only"], behave))
    for second in range(600):
        people.trouble()
        people.world.advance(0.5)
        if second == 100:
            people.told.clear()
        people.log_in()
        people.world.advance(0.5)

    assert people.told["refused"] == 0
    assert people.world.accepted.total() > 500


def test_a_gateway_whose_probe_notices_the_refused_account_is_back_at_a_probe() -> None:
    refused: list[AuthFailed | None] = [AuthFailed("bind refused")]

    world = Simulation(["only"], lambda *_: Turn(0.05, refused[0]))
    people = People(world)
    lane = world.dispatcher._lanes["only"]

    def probe(_: object) -> None:
        if refused[0] is not None:
            raise refused[0]

    lane.provider.probe = probe  # type: ignore[method-assign,assignment]  # the simulation's probes find lost connections only
    people.log_in()
    world.advance(100)
    assert not lane.breaker.is_barred
    refused[0] = None
    world.advance(70)
    people.log_in()
    world.advance(1)

    assert people.told["refused"] == 0
    assert world.accepted.total() > 0


def test_a_second_gateway_gets_the_message_while_the_first_ones_account_is_tried() -> None:
    def behave(gateway: str, _: Message) -> Turn:
        return Turn(0.05, AuthFailed("status 401")) if gateway == "first" else GOOD

    people = People(Simulation(["first", "second"], behave))
    for _ in range(600):
        people.log_in()
        people.world.advance(1)

    assert people.told["refused"] == 0
    assert people.world.accepted.total() == 600
    assert 2 <= people.world.hopes["first"] <= 6


@pytest.mark.parametrize("number_of_people", [1, 2])
def test_at_a_small_site_a_probe_finds_the_dead_gateway(number_of_people: int) -> None:
    world = Simulation(["only"], lambda *_: Turn(0.0, ConnectFailed("refused")), lambda _: False)
    for step in range(3):
        with contextlib.suppress(NoGatewayAlive):
            world.submit(
                f"m{step}", f"user{step % number_of_people}", f"+49170123456{step % number_of_people}"
            )
        world.advance(10)

    with pytest.raises(NoGatewayAlive):
        world.submit("late", "user0", "+491701234560")


def test_after_a_whole_day_a_dead_gateway_is_still_probed_once_a_minute() -> None:
    probes = Counter[str]()

    def probe(gateway: str) -> bool:
        probes[gateway] += 1
        return False

    world = Simulation(["only"], lambda *_: Turn(0.0, ConnectFailed("refused")), probe)
    people = People(world)
    for _ in range(4):
        people.log_in()
        world.advance(1)
    world.advance(2 * 86400)
    before = probes["only"]
    world.advance(3600)

    assert before > 2500
    assert 50 <= probes["only"] - before <= 70


@pytest.mark.parametrize("fail", [People.log_in, People.trouble], ids=["by messages", "by a probe"])
def test_a_gateway_that_dies_again_before_its_next_probe_is_probed_no_more_often_than_others(
    fail: Callable[[People], object],
) -> None:
    probes = Counter[str]()
    is_dead = True

    def probe(gateway: str) -> bool:
        probes[gateway] += 1
        return not is_dead

    world = Simulation(["only"], lambda *_: Turn(0.0, ConnectFailed("refused")) if is_dead else GOOD, probe)
    people = People(world)
    for _ in range(3):
        people.log_in()
        world.advance(0.01)
    is_dead = False
    # The first of them is refused, and has it probed out of turn.
    for _ in range(3):
        people.log_in()
        world.advance(0.01)
    is_dead = True
    # Failures of one person are no death, but have it probed.
    for _ in range(3):
        fail(people)
        world.advance(0.01)
    refused = people.told["refused"]
    people.log_in()
    world.advance(3600)
    before = probes["only"]
    world.advance(3600)

    assert (refused, people.told["refused"]) == (1, 2)
    assert 50 <= probes["only"] - before <= 70


def test_when_the_last_gateway_dies_one_that_is_back_is_found_before_the_next_log_in() -> None:
    dead, probes = {"first"}, list[str]()

    def probe(gateway: str) -> bool:
        probes.append(gateway)
        return gateway not in dead

    world = Simulation(
        ["first", "second"],
        lambda gateway, _: Turn(0.0, ConnectFailed("refused")) if gateway in dead else GOOD,
        probe,
    )
    people = People(world)
    for _ in range(10):
        people.log_in()
        world.advance(1)
    # By now it is probed once a minute.
    world.advance(600)
    seen = len(probes)
    while len(probes) == seen:
        world.advance(1)
    dead.symmetric_difference_update({"first", "second"})
    messages = [people.log_in() for _ in range(3)]
    world.advance(1)
    late = people.log_in()
    world.advance(1)

    assert not people.told["refused"]
    assert [world.accepted[reference] for reference in (*messages, late)] == [1] * 4


def test_a_gateway_that_throttles_is_waited_for_as_long_as_there_is_time_and_nowhere_else_to_go() -> None:
    turns = iter([*[Throttled("slow down")] * 9, None])
    world = Simulation(["only"], lambda *_: Turn(0.05, next(turns)))
    world.submit("m", "bob", "+491701234567")
    world.advance(30)

    assert world.outcomes == {"m": Outcome.ACCEPTED}


@pytest.mark.parametrize("asked_before", [["first"], []])
def test_a_code_that_was_used_is_sent_nowhere_else(asked_before: list[str]) -> None:
    asked: list[str] = []

    def behave(gateway: str, _: Message) -> Turn:
        asked.append(gateway)
        return Turn(2.0, AnswerTimeout("silence"))

    world = Simulation(["first", "second"], behave)
    if asked_before:
        # The SMS arrives although the gateway is silent, and is answered before the attempt is given up.
        world.dispatcher._timer.call_at(world.clock.monotonic() + 1, lambda: world.dispatcher.withdraw("s"))
    world.submit("m", "bob", "+491701234567", state="s", login="l")
    if not asked_before:
        world.dispatcher.withdraw("s")
    world.advance(60)

    assert asked == asked_before
    assert world.outcomes == {"m": Outcome.NOT_NEEDED}
    assert len(world.dispatcher._on_the_way) == 0


def test_a_later_message_of_the_same_log_in_takes_the_place_of_one_that_still_waits() -> None:
    world = Simulation(["only"], lambda *_: Turn(0.0, ConnectFailed("refused")))
    world.submit("old", "bob", "+491701234567", state="s1", login="l")
    world.advance(0.1)
    world.behave = lambda *_: GOOD
    world.submit("new", "bob", "+491701234567", state="s2", login="l")
    world.submit("other", "eve", "+491701234568", state="s3", login="m")
    world.advance(60)

    assert world.outcomes == {"old": Outcome.NOT_NEEDED, "new": Outcome.ACCEPTED, "other": Outcome.ACCEPTED}


def test_a_code_that_got_out_after_all_ends_as_taken_even_if_it_was_used_before() -> None:
    world = Simulation(["only"], lambda *_: Turn(1.0, None))
    world.dispatcher._timer.call_at(world.clock.monotonic() + 0.5, lambda: world.dispatcher.withdraw("s"))
    world.submit("m", "bob", "+491701234567", state="s")
    world.advance(5)

    assert world.outcomes == {"m": Outcome.ACCEPTED}


def test_a_named_gateway_that_is_dead_has_no_stand_in() -> None:
    world = Simulation(["first", "second"], lambda *_: Turn(0.0, ConnectFailed("refused")), lambda _: False)
    people = People(world)
    for _ in range(5):
        people.log_in()
        world.advance(1)
    world.behave = lambda *_: GOOD
    with contextlib.suppress(NoGatewayAlive):
        people.log_in()

    assert world.accepted.total() == 0
