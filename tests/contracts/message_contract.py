"""What every store promises about the messages that it keeps, written once. `StoreContract` binds it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.errors import ChallengeError, ResendRefused
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge, ChallengeStore, ResendRules
from smsotp_plugin.stores.kept import Attempt, KeptMessage, LeftMessage, Parcel
from tests.contracts.binding import Binding
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin, begin_attempt


class MessageContract(Binding):
    """The promises about messages."""

    @pytest.fixture
    def reopen(self, tmp_path: Path, clock: FakeClock) -> Callable[[], ChallengeStore]:
        """Open the same place, as a further process does."""
        return lambda: self.open(tmp_path, 30.0, clock)

    @pytest.fixture
    def left(self, reopen: Callable[[], ChallengeStore], clock: FakeClock) -> Callable[[ChallengeStore], Any]:
        """Let the process of a store die, and return what the next one takes over."""

        def left(store: ChallengeStore) -> list[LeftMessage]:
            self.die(store)
            heir = reopen()
            taken = list(heir.take_over(clock.time()))
            heir.close()
            return taken

        return left

    @staticmethod
    def promise(store: ChallengeStore, challenge: Challenge) -> KeptMessage:
        begin(store, challenge)
        store.flush()
        return SomeParcel(challenge).seal()

    def test_a_message_survives_with_its_challenge(
        self, reopen: Any, left: Any, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = self.promise(store, new())

        assert left(store) == [LeftMessage(kept, is_needed=True, may_have_it=frozenset())]

    def test_whoever_is_told_that_a_challenge_is_kept_knows_that_its_message_is(
        self, reopen: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store, challenge, taken, told = reopen(), new(), [], threading.Event()

        def listen(_: Sequence[Parcel]) -> None:
            self.die(store)
            heir = reopen()
            taken.extend(heir.take_over(clock.time()))
            heir.close()
            told.set()

        store.listen(listen)
        begin(store, challenge)
        with suppress(Exception):
            store.flush()

        assert told.wait(10)
        assert [each.message for each in taken] == [SomeParcel(challenge).seal()]

    def test_the_same_log_in_keeps_no_second_message(
        self, reopen: Any, left: Any, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = self.promise(store, new())
        self.promise(store, replace(new(), login=store.find(kept.state, "bob").login))

        assert [each.message for each in left(store)] == [kept]

    def test_a_further_message_is_kept_by_its_number_and_a_refused_one_is_not(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store, rules, challenge = reopen(), ResendRules(limit=1, pace=0), new()
        kept = self.promise(store, challenge)
        store.resend(kept.state, "bob", clock.time(), rules, SomeParcel(challenge))
        with pytest.raises(ResendRefused):
            store.resend(kept.state, "bob", clock.time(), rules, SomeParcel(challenge))

        assert [(each.message, each.is_needed) for each in left(store)] == [
            (kept, False),
            (replace(kept, resends=1), True),
        ]

    def test_a_message_of_a_log_in_that_was_begun_anew_is_not_needed(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        early = self.promise(store, new())
        clock.advance(30)
        late = self.promise(store, replace(new(), login=store.find(early.state, "bob").login))

        assert [(each.message, each.is_needed) for each in left(store)] == [(early, False), (late, True)]

    def test_what_has_ended_is_not_left(self, reopen: Any, left: Any, new: Callable[[], Challenge]) -> None:
        store = reopen()
        first, second = self.promise(store, new()), self.promise(store, new())
        begin_attempt(store, first.state, "gateway")
        store.forget_message(first.state, 0)
        store.forget_message("0" * 32, 0)
        store.flush()

        assert [each.message for each in left(store)] == [second]

    def test_an_attempt_that_has_begun_survives_and_one_that_certainly_failed_does_not(
        self, reopen: Any, left: Any, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept, other = self.promise(store, new()), self.promise(store, new())
        for gateway in ("first", "second", "third"):
            begin_attempt(store, kept.state, gateway)
        for _ in range(3):
            store.end_attempt(kept.state, 0, "first")
            begin_attempt(store, kept.state, "first")
        store.end_attempt(kept.state, 0, "second")
        store.flush()
        begin_attempt(store, kept.state, "first")
        may_have_it = {each.message.state: each.may_have_it for each in left(store)}

        assert may_have_it == {kept.state: {"first", "third"}, other.state: frozenset()}

    def test_attempts_that_begin_together_are_each_noted(
        self, reopen: Any, left: Any, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = [self.promise(store, new()) for _ in range(3)]
        named = [Attempt(kept[0].state, 0, "first"), Attempt(kept[1].state, 0, "second")]
        problems = store.begin_attempts([*named, Attempt(kept[0].state, 0, "third")])
        may_have_it = {each.message.state: each.may_have_it for each in left(store)}

        assert list(problems) == [None] * 3
        assert may_have_it == {
            kept[0].state: {"first", "third"},
            kept[1].state: {"second"},
            kept[2].state: frozenset(),
        }

    def test_an_attempt_at_what_has_ended_leaves_nothing(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store, challenge = reopen(), new()
        kept = self.promise(store, challenge)
        store.forget_message(kept.state, 0)
        begin_attempt(store, kept.state, "late")
        store.resend(kept.state, "bob", clock.time(), ResendRules(1, 0), SomeParcel(challenge))

        assert [each.may_have_it for each in left(store)] == [frozenset()]

    def test_what_belongs_to_the_living_is_not_taken_over(
        self, reopen: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store, other = reopen(), reopen()
        kept = self.promise(store, new())
        meanwhile = [*other.take_over(clock.time()), *store.take_over(clock.time())]
        self.die(store)
        after = other.take_over(clock.time())
        again = other.take_over(clock.time())
        other.close()

        assert meanwhile == []
        assert [each.message for each in after] == [kept]
        assert again == []

    def test_each_message_is_taken_over_by_one(
        self, reopen: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = [self.promise(store, new()) for _ in range(20)]
        self.die(store)
        heirs = [reopen() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            taken = list(pool.map(lambda heir: heir.take_over(clock.time()), heirs))
        for heir in heirs:
            heir.close()

        states = sorted(each.message.state for some in taken for each in some)
        assert states == sorted(each.state for each in kept)

    def test_what_was_taken_over_is_left_again_by_the_next_death(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = self.promise(store, new())
        self.die(store)
        heir = reopen()
        heir.take_over(clock.time())
        begin_attempt(heir, kept.state, "gateway")

        assert left(heir) == [LeftMessage(kept, is_needed=True, may_have_it=frozenset({"gateway"}))]

    def test_what_a_store_leaves_that_is_closed_is_taken_over(
        self, reopen: Any, left: Any, new: Callable[[], Challenge]
    ) -> None:
        store, second = reopen(), reopen()
        kept = self.promise(store, new())
        store.close()

        assert [each.message for each in left(second)] == [kept]

    def test_a_message_is_needed_while_its_code_lives(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        kept = {
            name: self.promise(store, replace(new(), tries_left=1))
            for name in ("open", "used", "spent", "lost")
        }
        store.answer(kept["used"].state, "bob", "a" * 32, clock.time())
        with suppress(ChallengeError):
            store.answer(kept["spent"].state, "bob", "b" * 32, clock.time())
        store.mark_undelivered(kept["lost"].state, 0, "refused")
        needed = {each.message.state for each in left(store) if each.is_needed}

        assert needed == {kept["open"].state}

    @pytest.mark.parametrize("seconds", [299.0, 300.0, 5000.0])
    def test_a_message_is_left_but_not_needed_when_its_code_has_expired(
        self, reopen: Any, clock: FakeClock, new: Callable[[], Challenge], seconds: float
    ) -> None:
        store = reopen()
        self.promise(store, new())
        self.die(store)
        clock.advance(seconds)
        heir = reopen()
        needed = [each.is_needed for each in heir.take_over(clock.time())]
        heir.close()

        assert needed == [seconds < 300]

    def test_a_message_outlives_a_challenge_that_is_tidied_away_until_it_is_told_of(
        self, reopen: Any, left: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store = reopen()
        self.promise(store, new())
        clock.advance(300.0 + KEPT_AFTER_EXPIRY + 1)
        self.keep_house(store, clock)

        assert [each.is_needed for each in left(store)] == [False]

    def test_a_failure_is_noted_for_the_last_message_only(
        self, reopen: Any, clock: FakeClock, new: Callable[[], Challenge]
    ) -> None:
        store, challenge = reopen(), new()
        kept = self.promise(store, challenge)
        store.resend(kept.state, "bob", clock.time(), ResendRules(1, 0), SomeParcel(challenge))
        store.mark_undelivered(kept.state, 0, "refused")
        first = store.find(kept.state, "bob").undelivered
        store.mark_undelivered(kept.state, 1, "refused")
        second = store.find(kept.state, "bob").undelivered
        store.close()

        assert (first, second) == ("", "refused")
