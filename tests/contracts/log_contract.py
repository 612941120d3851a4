"""What every store promises about the delivery log, written once. `StoreContract` binds it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.schemes import read_trace
from tests.contracts.binding import Binding
from tests.support.challenges import DAY
from tests.support.clock import FakeClock


class LogContract(Binding):
    """The promises about the life of messages as it is written down."""

    def trace(self, place: Path, wanted: Wanted, limit: int = 1000) -> Sequence[DeliveryEvent]:
        return read_trace(self.settings(place), wanted, limit)

    def test_the_life_of_a_message_is_kept_and_found(
        self, tmp_path: Path, store: Store, clock: FakeClock
    ) -> None:
        asked = DeliveryEvent(
            "ref", clock.time(), EventKind.ASKED, user="bob", number="+49 *** **67", number_hash="h"
        )
        tried = DeliveryEvent("ref", clock.time(), EventKind.ATTEMPT, "gtx", "id-1", "accepted")
        told = DeliveryEvent("", clock.time() + 5, EventKind.RECEIPT, "gtx", "id-1", "delivered")
        other = DeliveryEvent("other", clock.time(), EventKind.ASKED, user="alice", number_hash="i")
        for event in (asked, tried, told, other):
            store.record(event)
        store.flush()

        for wanted in (Wanted(user="bob"), Wanted(number_hash="h"), Wanted(reference="ref")):
            assert self.trace(tmp_path, wanted) == [asked, tried, replace(told, reference="ref")]
        assert self.trace(tmp_path, Wanted()) == []

    def test_the_newest_messages_are_found(self, tmp_path: Path, store: Store, clock: FakeClock) -> None:
        for number in range(5):
            clock.advance(1)
            store.record(DeliveryEvent(f"{number}", clock.time(), EventKind.ASKED, user="bob"))
        store.flush()

        found = self.trace(tmp_path, Wanted(user="bob"), 2)
        assert [event.reference for event in found] == ["3", "4"]

    def test_events_that_are_too_old_are_removed(
        self, tmp_path: Path, store: Store, clock: FakeClock
    ) -> None:
        for _ in range(500):
            store.record(DeliveryEvent("old", clock.time(), EventKind.ASKED, user="bob"))
        clock.advance(DAY + 1)
        store.record(DeliveryEvent("new", clock.time(), EventKind.ASKED, user="bob"))
        self.keep_house(store, clock)

        assert [event.reference for event in self.trace(tmp_path, Wanted(user="bob"))] == ["new"]
