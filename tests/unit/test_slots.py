"""Nobody gets all slots: however many one asks for, others find room."""

import gc
import itertools
import math
import random
from collections.abc import Callable

import pytest

from smsotp_plugin.dispatch.slots import Slot, Slots
from smsotp_plugin.errors import QueueFull

#: Who floods: as many as there are, each time.
FLOODS: dict[str, Callable[[int], dict[str, str]]] = {
    "one user": lambda n: {"user": "mallory", "number": f"n{n}", "station": f"s{n}", "client": f"c{n}"},
    "one number": lambda n: {"user": f"u{n}", "number": "n", "station": f"s{n}", "client": f"c{n}"},
    "one station": lambda n: {"user": f"u{n}", "number": f"n{n}", "station": "s", "client": f"c{n}"},
    "one client": lambda n: {"user": f"u{n}", "number": f"n{n}", "station": f"s{n}", "client": "c"},
    "one of each": lambda _: {"user": "mallory", "number": "n", "station": "s", "client": "c"},
}


def flood(slots: Slots, who: Callable[[int], dict[str, str]], most: int = 100_000) -> list[Slot]:
    """Take slots until there are no more."""
    taken: list[Slot] = []
    for number in range(most):
        try:
            taken.append(slots.take(**who(number)))
        except QueueFull:
            break
    return taken


@pytest.mark.parametrize("limit", [10, 90, 100, 10_000])
@pytest.mark.parametrize(
    ("who", "ninths"), [*zip(FLOODS.values(), (1, 1, 4.5, 8, 1), strict=True)], ids=[*FLOODS]
)
def test_whoever_floods_gets_a_share_of_all_slots(
    who: Callable[[int], dict[str, str]], ninths: float, limit: int
) -> None:
    assert len(flood(Slots(limit), who)) == math.ceil(limit * ninths / 9)


@pytest.mark.parametrize("limit", [10, 100, 10_000])
@pytest.mark.parametrize("who", FLOODS.values(), ids=[*FLOODS])
def test_whoever_floods_leaves_room_for_others(who: Callable[[int], dict[str, str]], limit: int) -> None:
    slots = Slots(limit)
    taken = flood(slots, who)
    others = flood(
        slots,
        lambda n: {"user": f"o{n}", "number": f"o{n}", "station": f"o{n}", "client": f"oc{n % 3}"},
        limit // 20 + 1,
    )

    assert 0 < len(taken) < limit
    assert len(others) >= min(limit // 20, 1)


def test_many_who_flood_leave_room_for_others_too() -> None:
    slots = Slots(1000)
    held = [
        flood(slots, lambda _, each=each: {"user": f"m{each}", "station": f"s{each}", "client": f"c{each}"})  # type: ignore[misc]  # bound early
        for each in range(20)
    ]

    assert all(held)
    assert slots.take(user="bob", station="home", client="vpn").rank == 0


def test_where_nobody_floods_all_slots_are_used() -> None:
    slots = Slots(100)
    taken = flood(
        slots, lambda n: {"user": f"u{n}", "number": f"n{n}", "station": f"s{n}", "client": f"c{n}"}
    )

    assert len(taken) == 100
    with pytest.raises(QueueFull, match=r"100 messages are on their way already \(dispatch.queue\)"):
        slots.take()


def test_whoever_sends_no_station_is_no_single_one() -> None:
    assert len(flood(Slots(64), lambda n: {"user": f"u{n}", "number": f"n{n}"})) == 64


def test_a_share_that_is_used_up_is_named() -> None:
    slots = Slots(10)
    taken = flood(slots, FLOODS["one station"])

    with pytest.raises(QueueFull, match=f"{len(taken)} messages for this station are on their way already"):
        slots.take(user="other", station="s")


def test_the_more_somebody_holds_the_later_is_their_turn() -> None:
    slots = Slots(1000)
    ranks = [slot.rank for slot in flood(slots, FLOODS["one user"])]
    bob = slots.take(user="bob", number="b", station="b", client="c1")

    assert ranks == list(range(len(ranks)))
    assert bob.rank == 0


@pytest.mark.parametrize("give_back", [True, False])
def test_what_is_given_back_or_dropped_is_free_again(*, give_back: bool) -> None:
    slots = Slots(50)
    for _ in range(5):
        taken = flood(slots, FLOODS["one of each"])
        assert slots.count_taken() == len(taken) > 0
        while taken:
            slot = taken.pop()
            if give_back:
                slots.give_back(slot)
                slots.give_back(slot)
            del slot
        gc.collect()
        assert slots.count_taken() == 0


def test_counts_are_right_after_anything() -> None:
    chance = random.Random(1)
    slots, held = Slots(40), dict[int, Slot]()
    numbers = itertools.count()
    for _ in range(5000):
        if held and chance.random() < 0.5:
            slot = held.pop(chance.choice([*held]))
            if chance.random() < 0.5:
                slots.give_back(slot)
            del slot
        else:
            try:
                slot = slots.take(user=str(chance.randrange(9)), station=str(chance.randrange(4)), client="c")
            except QueueFull:
                continue
            held[next(numbers)] = slot
            del slot
        assert slots.count_taken() == len(held) <= 40
    held.clear()

    assert slots.count_taken() == 0
    assert slots._held == {}


def test_what_comes_from_a_queue_waits_the_longer_the_more_its_holders_have() -> None:
    slots = Slots(2)
    taken = [slots.take_anyway(("user:a", f"station:{number}", "client:c")) for number in range(5)]
    other = slots.take_anyway(("user:b", "station:x", "client:c"))
    for slot in taken[1:]:
        slots.give_back(slot)
    later = slots.take_anyway(("user:a", "station:0", "client:c"))

    assert [slot.rank for slot in taken] == [0, 1, 2, 3, 4]
    assert (other.rank, later.rank) == (0, 1)
    assert slots.count_taken() == 3
