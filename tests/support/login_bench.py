"""A log-in with all that it needs, without RADIUS: a store in a file, an outbox that keeps what it is given, a fake clock."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from pydantic import SecretStr

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.errors import CannotSend, Outcome, StoreError
from smsotp_plugin.login.budgets import Budgets, make_rules
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.decisions import Ask
from smsotp_plugin.login.ending import Aftermath
from smsotp_plugin.login.flow import Login
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.login.sending import CodeSender
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from smsotp_plugin.settings.sections.delivery_log import DeliveryLogSettings
from smsotp_plugin.settings.sections.dispatch import DispatchSettings, OnUnknown
from smsotp_plugin.settings.sections.guesses import GuessSettings
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.settings.sections.log import LogSettings
from smsotp_plugin.settings.sections.otp import OtpSettings
from smsotp_plugin.settings.sections.queue import QueueSettings
from smsotp_plugin.settings.sections.users import UserSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.sealed import MessageSealer
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.guesses import Guesser
from smsotp_plugin.stores.kept import Parcel
from smsotp_plugin.stores.schemes import read_trace
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.kept import KeepsNothing

NUMBER = "+491701234567"


class Outbox(Dispatcher):
    """Keeps what it is given, and reports an outcome if the test sets one."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(
            providers=[],
            routes=RouteTable([], []),
            rules=DispatchRules(100, 30.0, RetryRules(1, OnUnknown.NEXT), 0),
            delivery_log=cast("Any", None),
            store=KeepsNothing(),
            clock=clock,
            random=Random(1),
        )
        self._table = RouteTable([], ["first", "second"])
        self.messages: list[Message] = []
        self.gateways: list[tuple[str, ...]] = []
        self.refusal: Exception | None = None
        self.outcome: Outcome | None = None
        self.withdrawn: list[str] = []

    def plan(self, recipient: Recipient) -> Plan:
        if self.refusal is not None:
            raise self.refusal
        return self._table.plan(recipient)

    def submit_all(self, batch: Sequence[tuple[Message, Plan]]) -> None:
        for message, plan in batch:
            self.messages.append(message)
            self.gateways.append(plan.gateways)
            if self.outcome is not None:
                self._listener(message, self.outcome)

    def withdraw(self, state: str) -> None:
        self.withdrawn.append(state)


class BrokenStore(SqliteStore):
    """Fails where the test says so, and notes what it is asked."""

    broken = ""
    asked: tuple[str, ...] = ()

    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        self._fail("open")
        return super().open_challenge(new, parcel)

    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        self._fail("answer")
        return super().answer(state, user, seal, now, guesser)

    def find(self, state: str, user: str) -> Challenge:
        self._fail("find")
        return super().find(state, user)

    def _fail(self, where: str) -> None:
        self.asked += (where,)
        if self.broken == where:
            raise StoreError("the store is gone")


class AnotherReason(CannotSend):
    """A reason that does not exist yet."""


class Bench:
    """A login with everything that it needs."""

    def __init__(self, directory: Path, sections: dict[str, Any]) -> None:
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.outbox = Outbox(self.clock)
        self.place = SqliteSettings(url=f"sqlite://{directory}/smsotp.db")
        limits = LimitSettings(**sections.get("limits", {}))
        self.store = BrokenStore(self.place.database, 30, 86400, self.clock, make_rules(limits))
        settings = Settings(
            otp=OtpSettings(**sections.get("otp", {})),
            challenge=ChallengeSettings(**sections.get("challenge", {})),
            guesses=GuessSettings(**sections.get("guesses", {})),
            limits=limits,
            users=UserSettings(**sections.get("users", {})),
            store=self.place,
            dispatch=DispatchSettings(**sections.get("dispatch", {})),
            queue=QueueSettings(),
            log=LogSettings(),
            delivery_log=DeliveryLogSettings(),
            smtp_servers={},
            gateways={},
            notifications={},
        )
        seeds = iter(range(1, 10**6))
        codes = CodeMaker(
            b"k" * 32,
            settings.otp.length,
            settings.otp.alphabet,
            lambda count: next(seeds).to_bytes(count),
        )
        self.pumping = PumpingWatch(limits, codes.names, self.store, self.clock)
        budgets = Budgets(limits, codes.names, self.store, self.clock, pumping=self.pumping)
        sealer = MessageSealer(bytes(32), secrets.token_bytes)
        sender = CodeSender(self.store, self.outbox, self.clock)
        waiting = Waiting(settings.dispatch.wait, self.clock)
        aftermath = Aftermath(self.store, waiting, budgets)
        self.login = Login(
            settings=settings,
            codes=codes,
            store=self.store,
            delivery_log=self.store,
            composer=Composer(
                settings=settings, codes=codes, budgets=budgets, sealer=sealer, outbox=self.outbox
            ),
            sender=sender,
            waiting=waiting,
            budgets=budgets,
            clock=self.clock,
        )
        self.store.listen(sender.send)
        self.outbox.listen(aftermath.note_end, aftermath.adjust)

    def ask(self, **fields: Any) -> Ask:
        asked = self.login.first_leg(request(**fields))
        assert isinstance(asked, Ask)
        self.store.flush()
        return asked

    def trace(self) -> Sequence[DeliveryEvent]:
        self.store.flush()
        return read_trace(self.place, Wanted(user="bob"), 100)

    def code(self) -> str:
        return self.outbox.messages[-1].otp.get_secret_value()


def request(**fields: Any) -> LoginRequest:
    given: dict[str, Any] = {
        "user": "bob",
        "password": SecretStr("hello"),
        "state": None,
        "client": "vpn",
        "station": "192.0.2.7",
        "site": "default",
        "gateway": "",
        "language": "",
        "notification": "",
        "numbers": (NUMBER,),
    }
    return LoginRequest(**(given | fields))


def answer(state: str, typed: str, **fields: Any) -> LoginRequest:
    return request(state=state, password=SecretStr(typed), **fields)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**sections: Any) -> Bench:
        made.append(Bench(tmp_path, sections))
        return made[-1]

    yield make
    for bench in made:
        bench.store.close()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()
