"""A server without gateways, and a worker whose rounds the test triggers; they share a Redis."""

import secrets
import threading
from random import Random

from pydantic import SecretStr

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.intake import Intake
from smsotp_plugin.dispatch.routes import Recipient, RouteTable
from smsotp_plugin.dispatch.stream import StreamOutbox, WorkersView
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import OtherKey, Outcome
from smsotp_plugin.settings.sections.dispatch import OnUnknown
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.sms.sealed import Letter, MessageSealer
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel
from tests.support.redis import PATIENCE, open_store, somebody
from tests.support.sending import Gateway

BOB = Recipient("+491701234567", user="bob")


NAMES = Fingerprints(b"k" * 32, 6, "0123456789", secrets.token_bytes)


SEALER = MessageSealer(b"k" * 32, secrets.token_bytes)


class Node:
    """A server without gateways."""

    def __init__(self, server: RedisServer, most: int = 10) -> None:
        self.clock = FakeClock(waits=Waits.NOT_AT_ALL)
        self.store: RedisStore = open_store(server.url)
        queue = self.store.open_queue(most)
        self.view = WorkersView(queue, self.clock)
        self.outbox = StreamOutbox(
            queue=queue,
            view=self.view,
            routes=RouteTable([], ["first", "second"]),
            most=most,
            deadline=30.0,
            sealer=SEALER,
            fingerprints=NAMES.fingerprints,
            clock=self.clock,
        )

    def promise(self, *gateways: str) -> Challenge:
        """Keep a message as an answered log-in does; for all gateways, unless some are named."""
        new = somebody()
        message = compose(new.state, new.expires, new.login)
        sealed = SEALER.seal(Letter(message, "default", gateways or ("first", "second")), "default")
        return begin_with(self.store, new, sealed)


def begin_with(store: RedisStore, new: Challenge, sealed: bytes) -> Challenge:
    return store.open_challenge(new, SomeParcel(new, sealed))


def compose(state: str, expires: float, login: str = "") -> Message:
    return Message(
        reference=(state or "notified")[-8:],
        user="bob",
        number=parse_number("+491701234567", None),
        otp=SecretStr("734921"),
        sentence=SecretStr("734921 is your code"),
        expires=expires,
        state=state,
        login=login,
    )


class WorkerProcess:
    """A worker whose rounds the test triggers."""

    def __init__(self, server: RedisServer, on_unknown: OnUnknown = OnUnknown.NEXT, **does: object) -> None:
        self.clock = FakeClock(somebody().created, Waits.SHORTLY)
        self.store = open_store(server.url)
        self.queue = self.store.open_queue(10)
        self.outcomes: dict[str, Outcome] = {}
        self.problems: list[OtherKey] = []
        self.changed = threading.Condition()
        self.gateways = [
            Gateway(name, self.clock, does.get(name, lambda: None))  # type: ignore[arg-type]
            for name in ("first", "second")
        ]
        self.dispatcher = Dispatcher(
            providers=self.gateways,
            routes=RouteTable([], ["first", "second"]),
            rules=DispatchRules(10, 30.0, RetryRules(1, on_unknown), 0.0),
            delivery_log=self.store,
            store=self.store,
            clock=self.clock,
            random=Random(1),
        )
        self.dispatcher.listen(self._ended)
        self.takeover = Takeover(
            store=self.store,
            sealer=SEALER,
            reference=lambda state: state[-8:],
            dispatcher=self.dispatcher,
            delivery_log=self.store,
            clock=self.clock,
        )
        self.intake = Intake(
            queue=self.queue,
            takeover=self.takeover,
            dispatcher=self.dispatcher,
            gateways=["first", "second"],
            give_up=self.problems.append,
            clock=self.clock,
        )

    def work(self) -> list[str]:
        """Take what waits, send it and end; return which messages the gateways were given."""
        self.dispatcher.start()
        self.intake._go_round()
        # The first call makes the group.
        for _ in range(2):
            self.intake._take()
        self.dispatcher.stop(60)
        self.store.close()
        return [reference for gateway in self.gateways for reference in gateway.given]

    def settle(self) -> None:
        """Wait until what was taken has ended."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.outcomes, PATIENCE)

    def _ended(self, message: Message, outcome: Outcome) -> None:
        with self.changed:
            self.outcomes[message.reference] = outcome
            self.changed.notify_all()
