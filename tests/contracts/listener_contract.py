"""What every store promises to who sends the codes, written once. `StoreContract` binds it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsotp_plugin.stores.base import Challenge, ChallengeStore
from smsotp_plugin.stores.kept import KeptMessage, Parcel
from tests.contracts.binding import Binding
from tests.support.challenges import RIGHT, WINDOW, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin, told_by


class ListenerContract(Binding):
    """The promises about what survives, and who is told."""

    def test_each_that_is_kept_is_told_once_as_it_was_handed_in(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        told: list[Parcel] = []
        store.listen(told.extend)
        parcels = [SomeParcel(challenge(clock, login=login)) for login in "abca"]
        for parcel in parcels:
            store.open_challenge(parcel.challenge, parcel)
        store.flush()
        store.flush()

        assert [id(parcel) for parcel in told] == [id(parcel) for parcel in parcels[:3]]

    def test_each_that_is_kept_is_sealed_once_and_no_later_than_it_is_told(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        happened: list[str] = []

        @dataclass(frozen=True)
        class Noting(SomeParcel):
            def seal(self) -> KeptMessage:
                happened.append("sealed")
                return super().seal()

        def listen(kept: Sequence[Parcel]) -> None:
            happened.extend(["told"] * len(kept))

        store.listen(listen)
        for _ in range(2):
            new = challenge(clock)
            store.open_challenge(new, Noting(new))
            store.flush()

        assert happened == ["sealed", "told"] * 2

    def test_whoever_is_told_of_a_challenge_finds_it_kept(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        new = challenge(clock)
        found: list[Challenge] = []
        store.listen(lambda _: found.append(other.find(new.state, "bob")))
        begin(store, new)
        store.flush()

        assert found == [new]

    def test_what_is_opened_at_one_is_told_there_only(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        here, there = told_by(store), told_by(other)
        new = begin(store, challenge(clock))
        store.flush()
        other.flush()

        assert (here, there) == ([new.state], [])

    def test_what_was_opened_last_is_kept_when_the_store_is_closed(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        before = self.open(tmp_path, WINDOW, clock)
        told = told_by(before)
        new = begin(before, challenge(clock))
        before.close()

        after = self.open(tmp_path, WINDOW, clock)
        found = after.find(new.state, "bob")
        after.close()

        assert (found, told) == (new, [new.state])

    @pytest.mark.parametrize("shared", [False, True])
    def test_whoever_is_told_may_use_the_store(
        self, tmp_path: Path, store: ChallengeStore, clock: FakeClock, *, shared: bool
    ) -> None:
        other = self.open(tmp_path, WINDOW, clock) if shared else None
        new, inner = challenge(clock), challenge(clock)
        done: list[str] = []

        def use(kept: Sequence[Parcel]) -> None:
            if [parcel.seal().state for parcel in kept] == [inner.state]:
                done.append("inner")
                return
            store.flush()
            begin(store, inner)
            store.flush()
            self.keep_house(store, clock)
            store.mark_undelivered(new.state, 0, "refused")
            store.answer(new.state, "bob", RIGHT, clock.time())
            done.append("outer")

        def log_in() -> None:
            store.listen(use)
            begin(store, new)
            store.flush()

        thread = threading.Thread(target=log_in, daemon=True)
        thread.start()
        thread.join(20)
        if other is not None:
            other.close()

        assert not thread.is_alive()
        assert sorted(done) == ["inner", "outer"]
