"""What every store promises about shares of answers and brakes, written once. `StoreContract` binds it."""

from dataclasses import replace

from smsotp_plugin.stores.answers import AnswerCount, Brake
from smsotp_plugin.stores.kind import Store
from tests.contracts.binding import Binding
from tests.support.clock import FakeClock

HOUR = 3600


class ShareContract(Binding):
    """The promises about answers and brakes."""

    def test_what_is_counted_adds_up_in_all_processes(
        self, store: Store, other: Store, clock: FakeClock
    ) -> None:
        hour = int(clock.time() // HOUR)
        store.add_answers([AnswerCount("p1", hour, 3, 1), AnswerCount("p2", hour, 0, 2)])
        other.add_answers([AnswerCount("p1", hour, 2, -1), AnswerCount("p1", hour - 1, 7, 0)])

        counted = sorted(store.load_answers(hour - 5), key=lambda count: (count.key, count.hour))
        assert counted == [
            AnswerCount("p1", hour - 1, 7, 0),
            AnswerCount("p1", hour, 5, 0),
            AnswerCount("p2", hour, 0, 2),
        ]

    def test_what_was_counted_before_an_hour_is_not_asked_for(self, store: Store, clock: FakeClock) -> None:
        hour = int(clock.time() // HOUR)
        store.add_answers([AnswerCount("p1", hour - 9, 3, 1), AnswerCount("p1", hour, 1, 1)])

        assert [count.hour for count in store.load_answers(hour - 5)] == [hour]

    def test_brakes_are_seen_by_all_processes(self, store: Store, other: Store, clock: FakeClock) -> None:
        now = clock.time()
        brakes = [
            Brake("p1", "+49170123", now, now + HOUR, "a reason", enforced=True),
            Brake("s2", 'a "station"', now + 1, now + HOUR, "another one", enforced=False),
        ]
        store.put_brakes(brakes)

        assert other.list_brakes() == store.list_brakes() == brakes

    def test_a_later_brake_takes_the_place_of_the_one_before(self, store: Store, clock: FakeClock) -> None:
        now = clock.time()
        brake = Brake("p1", "+49170123", now, now + HOUR, "a reason", enforced=True)
        store.put_brakes([brake])
        later = replace(brake, until=now + 2 * HOUR)
        store.put_brakes([later])

        assert store.list_brakes() == [later]

    def test_brakes_that_are_over_go(self, store: Store, clock: FakeClock) -> None:
        now = clock.time()
        store.put_brakes([Brake("p1", "+49170123", now, now + HOUR, "a reason", enforced=True)])
        clock.advance(2 * HOUR)
        store.put_brakes([])

        assert store.list_brakes() == []
