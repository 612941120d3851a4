"""What becomes of messages whose process died: each is sent or told of, and nobody gets two."""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.dispatch.takeover import NOT_NEEDED, Takeover
from smsotp_plugin.errors import AnswerTimeout, BadRecipient, ConnectFailed, Outcome, StoreError
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.base import ResendRules
from smsotp_plugin.stores.delivery_log import describe
from smsotp_plugin.stores.kept import Attempt
from smsotp_plugin.stores.sqlite.attempts import find_notes, list_owners, read_notes
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import WINDOW, challenge
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel, begin_attempt
from tests.support.sending import Gateway, Log, hanging_gateway

DAY = 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(waits=Waits.SHORTLY)


class Process:
    """A store and a dispatcher with gateways, which can die."""

    def __init__(
        self,
        path: Path,
        clock: FakeClock,
        *gateways: Gateway,
        key: bytes = b"k" * 32,
        on_unknown: OnUnknown = OnUnknown.NEXT,
    ) -> None:
        self.clock = clock
        self.store = SqliteStore(path, WINDOW, DAY, clock)
        self.sealer = MessageSealer(key, secrets.token_bytes)
        self.outcomes: dict[str, Outcome] = {}
        self.changed = threading.Condition()
        log: Any = Log()
        self.log: Log = log
        self.dispatcher = Dispatcher(
            providers=gateways,
            routes=RouteTable([], [gateway.context.name for gateway in gateways]),
            rules=DispatchRules(1, 30.0, RetryRules(1, on_unknown), 0.0),
            delivery_log=log,
            store=self.store,
            clock=clock,
            random=Random(1),
        )
        self.dispatcher.listen(self._ended)
        self.takeover = Takeover(
            store=self.store,
            sealer=self.sealer,
            reference=lambda state: state[-8:],
            dispatcher=self.dispatcher,
            delivery_log=log,
            clock=clock,
        )

    def promise(self, *gateways: str, login: str = "") -> Message:
        """Keep a message as a log-in does that is answered, and send nothing."""
        new = challenge(self.clock, login=login)
        message = Message(
            reference=new.state[-8:],
            user=new.user,
            number=parse_number("+491701234567", None),
            otp=SecretStr("734921"),
            sentence=SecretStr("734921 is your code"),
            expires=new.expires,
            state=new.state,
            login=new.login,
        )
        self.store.open_challenge(new, SomeParcel(new, self.sealed(message, *gateways)))
        self.store.flush()
        return message

    def sealed(self, message: Message, *gateways: str) -> bytes:
        return self.sealer.seal(Letter(message, "default", gateways), "default")

    def die(self) -> None:
        self.store._gatherer.stop()
        self.store._file.close()

    def inherit(self) -> list[str]:
        """Take over, send, end; return what the trace says."""
        self.dispatcher.start()
        self.takeover.take_over()
        self.dispatcher.stop(60)
        self.store.close()
        return [describe(event) for event in self.log.events]

    def _ended(self, message: Message, outcome: Outcome) -> None:
        with self.changed:
            self.outcomes[message.reference] = outcome
            self.changed.notify_all()


def left_in(path: Path) -> int:
    """Return how many messages a store holds."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


def test_what_others_leave_is_taken_over_at_the_start_and_from_then_on(path: Path, clock: FakeClock) -> None:
    early, late = Process(path, clock), Process(path, clock)
    first, second = early.promise("first"), late.promise("first")
    early.die()
    gateway = Gateway("first", clock)
    heir = Process(path, clock, gateway)
    heir.dispatcher.start()
    heir.takeover.start()
    late.die()
    with heir.changed:
        ended = heir.changed.wait_for(lambda: len(heir.outcomes) == 2, 10)
    heir.takeover.stop()
    heir.dispatcher.stop(60)
    heir.store.close()

    assert ended
    assert gateway.given == [first.reference, second.reference]


def test_what_was_waiting_is_sent_and_forgotten(path: Path, clock: FakeClock) -> None:
    dead = Process(path, clock)
    messages = [dead.promise("first") for _ in range(3)]
    dead.die()
    gateway = Gateway("first", clock)
    heir = Process(path, clock, gateway)
    said = heir.inherit()

    assert sorted(gateway.given) == sorted(message.reference for message in messages)
    assert said == ["gateway first took it, its id id-1"] * 3
    assert set(heir.outcomes.values()) == {Outcome.ACCEPTED}
    assert left_in(path) == 0


@pytest.mark.parametrize(
    ("on_unknown", "asked", "outcome"),
    [(OnUnknown.NEXT, ["second"], Outcome.ACCEPTED), (OnUnknown.STOP, [], Outcome.UNKNOWN)],
)
def test_an_attempt_that_was_under_way_counts_as_unknown(
    path: Path, clock: FakeClock, on_unknown: OnUnknown, asked: list[str], outcome: Outcome
) -> None:
    dead = Process(path, clock)
    message = dead.promise("first", "second")
    begin_attempt(dead.store, message.state, "first")
    dead.die()
    gateways = [Gateway("first", clock), Gateway("second", clock)]
    heir = Process(path, clock, *gateways, on_unknown=on_unknown)
    said = heir.inherit()

    assert [gateway.context.name for gateway in gateways if gateway.given] == asked
    assert said[0] == "gateway first: unknown: the server ended during the attempt"
    assert heir.outcomes == {message.reference: outcome}
    assert left_in(path) == 0


def test_gateways_that_are_gone_are_told_and_passed_over(path: Path, clock: FakeClock) -> None:
    dead = Process(path, clock)
    here, gone = dead.promise("old", "first"), dead.promise("old")
    dead.die()
    heir = Process(path, clock, Gateway("first", clock))
    said = heir.inherit()

    assert heir.outcomes == {here.reference: Outcome.ACCEPTED, gone.reference: Outcome.NOT_SENT}
    assert said.count("gateway old: not sent: it is no longer in the configuration") == 2
    assert "no gateway took it (not sent, route default)" in said
    assert left_in(path) == 0


def test_what_nobody_needs_is_told_and_not_sent(path: Path, clock: FakeClock) -> None:
    dead = Process(path, clock)
    dead.promise("first")
    dead.die()
    clock.advance(301)
    gateway = Gateway("first", clock)
    said = Process(path, clock, gateway).inherit()

    assert said == [f"not sent after the restart: {NOT_NEEDED}"]
    assert gateway.given == []
    assert left_in(path) == 0


def test_what_another_key_sealed_is_told_and_not_sent(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    dead = Process(path, clock)
    message = dead.promise("first")
    dead.die()
    gateway = Gateway("first", clock)
    heir = Process(path, clock, gateway, key=b"l" * 32)
    heir.takeover.take_over()
    undelivered = heir.store.find(message.state, message.user).undelivered
    said = heir.inherit()

    assert "it cannot be unsealed: [store] key has another value since" in said[0]
    assert undelivered == Outcome.NOT_SENT
    assert f"message {message.reference}: not sent after the restart" in caplog.text
    assert gateway.given == []
    assert left_in(path) == 0


def test_of_several_messages_of_one_log_in_the_last_one_is_sent(path: Path, clock: FakeClock) -> None:
    dead = Process(path, clock)
    early = dead.promise("first", login="l")
    clock.advance(WINDOW)
    late = dead.promise("first", login="l")
    dead.die()
    gateway = Gateway("first", clock)
    said = Process(path, clock, gateway).inherit()

    assert gateway.given == [late.reference]
    assert early.reference != late.reference
    assert f"not sent after the restart: {NOT_NEEDED}" in said


def test_what_is_taken_over_late_takes_no_newer_message_its_place(path: Path, clock: FakeClock) -> None:
    dead = Process(path, clock)
    early = dead.promise("first", login="l")
    clock.advance(WINDOW)
    gateway = Gateway("first", clock)
    heir = Process(path, clock, gateway)
    late = heir.promise("first", login="l")
    dead.die()
    heir.dispatcher.submit(late, heir.dispatcher.plan(Recipient(late.number.e164)))
    heir.inherit()

    assert gateway.given == [late.reference]
    assert early.reference not in heir.outcomes
    assert left_in(path) == 0


def test_a_first_message_that_was_sent_again_goes_through_the_next_gateway(
    path: Path, clock: FakeClock
) -> None:
    dead = Process(path, clock)
    message = dead.promise("first", "second")
    challenge = dead.store.find(message.state, "bob")
    parcel = SomeParcel(challenge, dead.sealed(message, "first", "second"))
    dead.store.resend(message.state, "bob", clock.time(), ResendRules(1, 0), parcel)
    dead.store.forget_message(message.state, 0)
    dead.store.flush()
    dead.die()
    gateways = [Gateway("first", clock), Gateway("second", clock)]
    Process(path, clock, *gateways).inherit()

    assert [len(gateway.given) for gateway in gateways] == [0, 1]


def test_what_a_stop_leaves_is_sent_by_the_next_start(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    gateway, begun = hanging_gateway(clock)
    stopped = Process(path, clock, gateway)
    messages = [stopped.promise("first") for _ in range(3)]
    stopped.dispatcher.start()
    for message in messages:
        stopped.dispatcher.submit(message, Plan("default", ("first",), ""))
    assert begun.wait(10)
    stopped.dispatcher.stop(0)
    stopped.store.close()
    second = Gateway("first", clock)
    Process(path, clock, second).inherit()

    assert caplog.text.count("waits for the next start of the server") == 3
    assert sorted(second.given) == sorted(message.reference for message in messages)


def test_what_a_gateway_takes_after_a_stop_has_left_it_is_not_sent_again(
    path: Path, clock: FakeClock
) -> None:
    begun, closed = threading.Event(), threading.Event()

    def take_at_the_end() -> None:
        begun.set()
        assert closed.wait(10)

    gateway = Gateway("first", clock, take_at_the_end)
    gateway.close = closed.set  # type: ignore[method-assign]  # closing is the last moment in which it may take something
    stopped = Process(path, clock, gateway)
    message = stopped.promise("first")
    stopped.dispatcher.start()
    stopped.dispatcher.submit(message, Plan("default", ("first",), ""))
    assert begun.wait(10)
    stopped.dispatcher.stop(0)
    stopped.store.close()
    second = Gateway("first", clock)
    told = Process(path, clock, second).inherit()

    assert (gateway.given, second.given, told) == ([message.reference], [], [])


def test_an_attempt_that_cannot_be_noted_does_not_begin_until_it_can(path: Path, clock: FakeClock) -> None:
    gateway = Gateway("first", clock)
    process = Process(path, clock, gateway)
    message = process.promise("first")
    begin, failed, waits = process.store.begin_attempts, threading.Event(), threading.Event()
    timer = process.dispatcher._timer
    call_at = timer.call_at

    def call_later(moment: float, function: Callable[[], None]) -> None:
        call_at(moment, function)
        waits.set()

    def begin_attempts(attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        if not failed.is_set():
            failed.set()
            raise StoreError("the disk is full")
        return begin(attempts)

    timer.call_at = call_later  # type: ignore[method-assign]  # tells that the message waits
    process.store.begin_attempts = begin_attempts  # type: ignore[method-assign]  # a store that fails once
    process.dispatcher.start()
    process.dispatcher.submit(message, Plan("default", ("first",), ""))
    assert waits.wait(10)
    assert gateway.given == []
    clock.advance(5)
    process.dispatcher.stop(60)
    process.store.close()

    assert process.outcomes == {message.reference: Outcome.ACCEPTED}
    assert gateway.given == [message.reference]


def noted_during_attempt(path: Path, gateway: Gateway, error: Exception | None) -> list[int]:
    """Make a gateway count the attempts that are on the disk while it has a message."""
    counts: list[int] = []

    def look() -> None:
        counts.append(sum(len(read_notes(find_notes(path, owner))) for owner in list_owners(path)))
        if error is not None:
            raise error

    gateway.does = look
    return counts


@pytest.mark.parametrize(
    ("error", "left"), [(None, 0), (ConnectFailed("x"), 0), (BadRecipient("x"), 0), (AnswerTimeout("x"), 0)]
)
def test_an_attempt_is_on_the_disk_before_the_gateway_has_it(
    path: Path, clock: FakeClock, error: Exception | None, left: int
) -> None:
    gateway = Gateway("first", clock)
    counts = noted_during_attempt(path, gateway, error)
    process = Process(path, clock, gateway)
    message = process.promise("first")
    process.dispatcher.start()
    process.dispatcher.submit(message, Plan("default", ("first",), ""))
    process.dispatcher.stop(60)
    process.store.close()

    assert counts == [1]
    assert left_in(path) == left


def test_a_notification_is_not_kept(path: Path, clock: FakeClock) -> None:
    gateway = Gateway("first", clock)
    counts = noted_during_attempt(path, gateway, None)
    process = Process(path, clock, gateway)
    message = replace(process.promise("first"), state="", login="")
    process.dispatcher.start()
    process.dispatcher.submit(message, Plan("default", ("first",), ""))
    process.dispatcher.stop(60)
    process.store.close()

    assert counts == [0]


def test_where_others_messages_cannot_be_looked_for_the_server_starts_and_says_so_once_a_minute(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(path, clock)

    def broken(now: float) -> None:
        del now
        raise StoreError("gone")

    process.store.take_over = broken  # type: ignore[assignment,method-assign]  # a store that fails
    for _ in range(61):
        process.takeover.take_over()
        clock.advance(1)
    process.store.close()

    assert caplog.messages == ["messages that another server may have left are not looked for: gone"] * 2
