"""Gateways are chosen where none is: from routes, a view of their health, and the room."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from smsotp_plugin.dispatch.health import Condition, GatewayHealth
from smsotp_plugin.dispatch.people import Person
from smsotp_plugin.dispatch.planner import Planner
from smsotp_plugin.dispatch.routes import Recipient, RouteTable
from smsotp_plugin.dispatch.slots import Slots
from smsotp_plugin.errors import NoGatewayAlive, QueueFull
from tests.support.clock import FakeClock, Waits

BOB = Recipient("+491701234567", user="bob")


class View:
    """What another process has told of its gateways."""

    def __init__(self, *dead: str, hopes: Sequence[str] = ()) -> None:
        self.dead = dead
        self.hopes = hopes

    def find_health(self, gateway: str, person: Person | None = None) -> GatewayHealth:
        assert person is not None
        return GatewayHealth(Condition.DEAD if gateway in self.dead else Condition.ALIVE, 0.0)

    def find_last_hopes(self, gateways: Sequence[str], person: Person) -> frozenset[str]:
        assert person.user == "bob"
        return frozenset(set(gateways) & set(self.hopes))


def planner(view: View, slots: int = 10) -> Planner:
    return Planner(
        RouteTable([], ["first", "second"]),
        view,
        Slots(slots),
        30.0,
        FakeClock(1_000_000.0, Waits.NOT_AT_ALL),
    )


def test_a_plan_needs_no_gateway() -> None:
    assert planner(View()).plan(BOB).gateways == ("first", "second")


def test_where_all_are_said_to_be_dead_nobody_is_promised_anything() -> None:
    with pytest.raises(NoGatewayAlive):
        planner(View("first", "second")).plan(BOB)


def test_a_last_hope_is_taken_from_the_view_and_another_one_begins_each_time() -> None:
    hoping = planner(View("first", "second", hopes=("second",)))
    plans = [hoping.plan(BOB) for _ in range(2)]

    assert [plan.hopes for plan in plans] == [{"second"}] * 2
    assert {plan.gateways[0] for plan in plans} == {"first", "second"}


@pytest.mark.parametrize(
    ("view", "recipient"),
    [
        (View(), BOB),
        (View(), replace(BOB, gateway="second")),
        (View("first", "second", hopes=("second",)), BOB),
    ],
    ids=["by a route", "by name", "in hope"],
)
def test_the_room_is_counted_here_however_a_gateway_was_chosen(view: View, recipient: Recipient) -> None:
    full = planner(view, slots=1)
    promise = full.plan(recipient)
    with pytest.raises(QueueFull):
        full.plan(recipient)

    assert promise.slot is not None
