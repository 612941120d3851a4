"""What every store promises about further messages, written once. `StoreContract` binds it."""

from contextlib import suppress
from dataclasses import replace

import pytest

from smsotp_plugin.errors import Expired, ResendRefused, TooManyAttempts, UnknownChallenge
from smsotp_plugin.stores.base import Challenge, ChallengeStore
from tests.contracts.binding import Binding
from tests.support.challenges import RESENDS, RIGHT, WRONG, at_once, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import SomeParcel, begin


class ResendContract(Binding):
    """The promises about codes that are sent again."""

    def test_a_code_can_be_sent_again_after_a_while(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)

        again = store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

        assert again == replace(new, resends=1)
        assert store.answer(new.state, "bob", RIGHT, clock.time()).resends == 1

    def test_a_code_is_not_sent_again_too_early(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        clock.advance(10)

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        assert refused.value.wait == 20.0

    def test_a_code_is_not_sent_again_too_often(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        for _ in range(RESENDS.limit):
            clock.advance(RESENDS.pace)
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        clock.advance(RESENDS.pace)

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))
        assert refused.value.wait is None

    def test_many_wishes_at_once_are_one_message(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        sent: list[Challenge] = []

        def wish() -> None:
            with suppress(ResendRefused):
                sent.append(store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)))

        at_once(wish)

        assert [again.resends for again in sent] == [1]

    def test_nothing_is_sent_again_once_it_is_over(self, store: ChallengeStore, clock: FakeClock) -> None:
        used, exhausted, late = (begin(store, challenge(clock, tries=1)) for _ in range(3))
        store.answer(used.state, "bob", RIGHT, clock.time())
        with pytest.raises(TooManyAttempts):
            store.answer(exhausted.state, "bob", WRONG, clock.time())
        clock.advance(RESENDS.pace)

        for state, now in (
            (used.state, clock.time()),
            (exhausted.state, clock.time()),
            (late.state, late.expires),
        ):
            with pytest.raises(Expired):
                store.resend(state, "bob", now, RESENDS, SomeParcel(late))

    def test_nobody_has_anothers_code_sent_again(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)

        for state, user in ((new.state, "alice"), ("0" * 32, "bob"), ("", "")):
            with pytest.raises(UnknownChallenge):
                store.resend(state, user, clock.time(), RESENDS, SomeParcel(new))

    def test_a_code_that_is_sent_again_may_get_out(self, store: ChallengeStore, clock: FakeClock) -> None:
        new = begin(store, challenge(clock))
        store.flush()
        store.mark_undelivered(new.state, 0, "not sent")
        clock.advance(RESENDS.pace)

        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).undelivered == ""
        assert store.find(new.state, "bob").undelivered == ""

    def test_marking_what_is_not_there_marks_nothing_else(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        store.mark_undelivered("0" * 32, 0, "refused")
        store.flush()

        assert store.find(new.state, "bob").undelivered == ""

    def test_a_further_sms_is_not_too_early_because_the_clock_was_set_back(
        self, store: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.set_by(-60)
        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).resends == 1
        clock.set_by(-60)
        assert store.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new)).resends == 2

    def test_a_wish_whose_turn_comes_after_that_of_a_later_one_sends_no_further_sms(
        self, store: ChallengeStore, other: ChallengeStore, clock: FakeClock
    ) -> None:
        new = begin(store, challenge(clock))
        clock.advance(RESENDS.pace)
        earlier = clock.time()
        clock.advance(0.5)
        other.resend(new.state, "bob", clock.time(), RESENDS, SomeParcel(new))

        with pytest.raises(ResendRefused) as refused:
            store.resend(new.state, "bob", earlier, RESENDS, SomeParcel(new))
        assert refused.value.wait == RESENDS.pace + 0.5
