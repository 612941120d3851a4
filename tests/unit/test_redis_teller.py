"""In which order the listener is told what a Redis store has kept."""

import threading
from collections.abc import Sequence
from contextlib import suppress

from smsotp_plugin.stores.kept import InsideListener, Parcel
from smsotp_plugin.stores.redis.teller import Teller
from tests.support.parcels import SomeParcel
from tests.support.redis import PATIENCE, somebody


def test_who_asks_that_all_be_told_comes_after_what_is_being_told() -> None:
    teller, told = Teller(), list[list[Parcel]]()
    begun, go_on = threading.Event(), threading.Event()

    def listen(kept: Sequence[Parcel]) -> None:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(PATIENCE)
        told.append([*kept])

    first, second = SomeParcel(somebody()), SomeParcel(somebody())
    teller.listener = listen
    teller.add(first)
    telling = threading.Thread(target=teller.tell)
    telling.start()
    assert begun.wait(PATIENCE)
    teller.add(second)
    asking = threading.Thread(target=teller.tell_all)
    asking.start()
    # Long enough to tell it, if it did not wait.
    asking.join(0.05)
    go_on.set()
    telling.join()
    asking.join()

    assert told == [[first], [second]]


def test_a_thread_is_inside_the_listener_until_it_has_left_it_as_often_as_it_entered() -> None:
    inside = InsideListener()
    seen = [inside.is_here]
    with inside.enter():
        with suppress(ZeroDivisionError), inside.enter():
            seen.append(inside.is_here)
            raise ZeroDivisionError
        seen.append(inside.is_here)
    seen.append(inside.is_here)

    assert seen == [False, True, True, False]
