"""The SQLite store against a model of a few lines: whatever happens in whatever order, both say the same."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from smsotp_plugin.errors import ResendRefused
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RESENDS, RIGHT, WINDOW, WRONG, challenge, name_outcome
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel, begin

LOGINS = st.sampled_from(["vpn", "desk", "ssh"])
USERS = st.sampled_from(["bob", "alice"])


class _Model:
    """One challenge as it should be."""

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.tries_left = challenge.tries_left
        self.status = "open"
        self.undelivered = ""
        self.resends = 0
        self.asked = challenge.created

    def resend(self, user: str, now: float) -> str:
        if user != self.challenge.user:
            return "UnknownChallenge"
        if self.status != "open" or now >= self.challenge.expires:
            return "Expired"
        if self.resends >= RESENDS.limit or now < self.asked + RESENDS.pace:
            return "ResendRefused"
        self.resends += 1
        self.asked = now
        self.undelivered = ""
        return "accepted"

    def answer(self, user: str, now: float, *, right: bool) -> str:
        if user != self.challenge.user:
            return "UnknownChallenge"
        if self.status != "open":
            return self.status
        if now >= self.challenge.expires:
            return "Expired"
        if right:
            self.status = "AlreadyUsed"
            return "accepted"
        self.tries_left -= 1
        if self.tries_left == 0:
            self.status = "TooManyAttempts"
        return self.status if self.tries_left == 0 else "WrongCode"

    def is_given_again(self, now: float) -> bool:
        young = self.challenge.created > now - WINDOW and self.challenge.expires > now
        return self.status == "open" and young and not self.undelivered


class StoreMachine(RuleBasedStateMachine):
    states = Bundle("states")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.models: dict[str, _Model] = {}
        self.sent: list[str] = []
        self.accepted: list[str] = []
        self.store = self.open()

    def open(self) -> SqliteStore:
        store = SqliteStore(Path(self.directory.name) / "smsotp.db", WINDOW, 86400, self.clock)
        store.listen(lambda kept: self.sent.extend(parcel.seal().state for parcel in kept))
        return store

    def teardown(self) -> None:
        self.store.close()
        self.directory.cleanup()

    @rule(target=states, login=LOGINS, user=USERS, tries=st.integers(1, 3))
    def log_in(self, login: str, user: str, tries: int) -> str:
        new = challenge(self.clock, login=login, user=user, tries=tries)
        now = self.clock.time()
        *_, expected = (
            new.state,
            *(
                state
                for state, model in self.models.items()
                if model.challenge.login == login and model.is_given_again(now)
            ),
        )

        given = begin(self.store, new)

        assert given.state == expected
        self.models.setdefault(given.state, _Model(given))
        return given.state

    @rule(state=states, user=USERS, right=st.booleans())
    def answer(self, state: str, user: str, right: bool) -> None:  # noqa: FBT001  (drawn by name)
        now = self.clock.time()
        model = self.models.get(state)
        expected = model.answer(user, now, right=right) if model else "UnknownChallenge"

        ended = name_outcome(lambda: self.store.answer(state, user, RIGHT if right else WRONG, now))

        assert ended == expected
        if ended == "accepted":
            self.accepted.append(state)

    @rule(state=states, user=USERS)
    def resend(self, state: str, user: str) -> None:
        now = self.clock.time()
        model = self.models.get(state)
        expected = model.resend(user, now) if model else "UnknownChallenge"

        parcel = SomeParcel(model.challenge if model else challenge(self.clock))

        def wish() -> None:
            assert self.store.resend(state, user, now, RESENDS, parcel).undelivered == ""

        try:
            ended = name_outcome(wish)
        except ResendRefused as exc:
            ended = type(exc).__name__

        assert ended == expected

    @rule(state=states)
    def nothing_was_delivered(self, state: str) -> None:
        self.store.flush()
        model = self.models.get(state)
        self.store.mark_undelivered(state, model.resends if model else 0, "refused")
        if model:
            model.undelivered = "refused"

    @rule(seconds=st.sampled_from([1.0, WINDOW - 1, WINDOW, 299.0, 300.0, KEPT_AFTER_EXPIRY]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def tidy(self) -> None:
        self.store.flush()
        now = self.clock.time()
        self.store.tidy(now)
        self.models = {
            state: model
            for state, model in self.models.items()
            if model.challenge.expires >= now - KEPT_AFTER_EXPIRY
        }

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.open()

    @rule(state=consumes(states))
    def everything_is_sent_once(self, state: str) -> None:
        self.store.flush()

        assert self.sent.count(state) == 1

    @invariant()
    def nothing_is_accepted_twice(self) -> None:
        assert len(set(self.accepted)) == len(self.accepted)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
