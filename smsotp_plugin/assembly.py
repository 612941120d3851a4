"""Builds everything from the settings. No logic of its own; each door calls it once."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Protocol

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.codes.key_file import has_keys
from smsotp_plugin.codes.keyed import derive_message_key
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.codes.randomness import RandomBytes
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.intake import Intake
from smsotp_plugin.dispatch.outbox import Outbox
from smsotp_plugin.dispatch.routes import Route, RouteTable
from smsotp_plugin.dispatch.stream import StreamOutbox, WorkersView
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import OtherKey, StoreError
from smsotp_plugin.login.budgets import Budgets, make_rules
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.ending import Aftermath
from smsotp_plugin.login.flow import Login
from smsotp_plugin.login.notify import Notifier
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.sending import CodeSender
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.providers import find_provider
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext, Provider, ignore_receipt
from smsotp_plugin.settings import Settings
from smsotp_plugin.settings.alike import make_traits
from smsotp_plugin.settings.keys import load_keys
from smsotp_plugin.settings.sections.queue import QueueMode
from smsotp_plugin.sms.sealed import MessageSealer
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits
from smsotp_plugin.stores.schemes import open_store, share_clock
from smsotp_plugin.stores.sealed import SealedStore

#: Seconds in which messages that are still queued can be sent when the server stops; systemd waits 90 before it kills.
STOP_GRACE = 60.0
#: Seconds.
_DAY = 86400.0


class RunningOutbox(Outbox, Protocol):
    """An outbox with threads."""

    def start(self) -> None:
        """Start the threads."""

    def stop(self, grace: float) -> None:
        """End them, within `grace` seconds and a few more."""


@dataclass(frozen=True, slots=True)
class System:
    """
    Everything that runs inside FreeRADIUS.

    Attributes:
        takeover: None where workers have the gateways.
    """

    login: Login
    notifier: Notifier
    outbox: RunningOutbox
    takeover: Takeover | None
    pumping: PumpingWatch
    store: ChallengeStore

    def start(self) -> None:
        """Start the background threads."""
        self.outbox.start()
        if self.takeover is not None:
            self.takeover.start()
        self.pumping.start()
        self.store.start()

    def stop(self) -> None:
        """
        Send what is queued, end all threads and close everything, within `STOP_GRACE`, `STOP_LIMIT` of the dispatcher and a few seconds.

        Goes on where one of them fails, and raises its error in the end.
        """
        with ExitStack() as rest:
            rest.callback(self.store.close)
            rest.callback(self.outbox.stop, STOP_GRACE)
            rest.callback(self.pumping.stop)
            if self.takeover is not None:
                rest.callback(self.takeover.stop)
            self.login.stop_waiting()
            self.store.flush()


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that runs inside ``smsotp worker``."""

    dispatcher: Dispatcher
    intake: Intake
    store: ChallengeStore

    def start(self) -> None:
        """Start the background threads."""
        self.store.start()
        self.dispatcher.start()
        self.intake.start()

    def stop(self) -> None:
        """Take no more messages, send those that were taken, end all threads and close everything, within the time of `System.stop`."""
        with ExitStack() as rest:
            rest.callback(self.store.close)
            rest.callback(self.dispatcher.stop, STOP_GRACE)
            self.intake.stop()


def build_gateways(
    settings: Settings, clock: Clock, on_delivery_receipt: Callable[[DeliveryReceipt], None] = ignore_receipt
) -> Sequence[Provider[Any, Any, Any]]:
    """Make the provider of every gateway, in the order of the file. No I/O."""
    return [
        find_provider(gateway.provider)(
            GatewayContext(name=name, clock=clock, on_delivery_receipt=on_delivery_receipt), gateway
        )
        for name, gateway in settings.gateways.items()
    ]


def build_routes(settings: Settings) -> RouteTable:
    """Make the table of routes."""
    routes = [
        Route(
            name=route.name or str(place),
            gateways=route.gateways,
            weights=route.weights,
            numbers=route.numbers,
            realms=route.realms,
            languages=route.languages,
        )
        for place, route in enumerate(settings.routes, 1)
    ]
    return RouteTable(routes, list(settings.gateways))


def build_codes(settings: Settings) -> CodeMaker:
    """
    Make the maker of codes.

    Raises:
        ConfigError: The key file cannot be used.
    """
    return _make_codes(settings, load_keys(settings))


def find_names(settings: Settings) -> Fingerprints:
    """
    Return the maker of fingerprints, for a command that looks into the store of a server.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: There is no key yet, and none is made.
    """
    if not settings.store.given_keys and not has_keys(settings.store.key_path):
        raise StoreError(
            f"there is no key {settings.store.key_path} to find people by: "
            + (
                "FreeRADIUS makes it at its first start"
                if settings.store.makes_key
                else "copy the one that the servers have"
            )
        )
    return build_codes(settings).names


def build_store(
    settings: Settings, clock: Clock, traits: ProcessTraits = NO_TRAITS, *, for_worker: bool = False
) -> Store:
    """
    Open the store.

    Args:
        settings: The whole configuration.
        clock: Time.
        traits: Those of this process.
        for_worker: Whether it is reached as workers reach it.

    Raises:
        OtherKey: Other processes use it and have other keys.
        StoreError: It cannot be opened.
    """
    return open_store(
        settings.queue.reach(settings.store) if for_worker else settings.store,
        window=settings.challenge.resend_after,
        events_kept=settings.delivery_log.days * _DAY,
        clock=clock,
        budgets=make_rules(settings.limits),
        traits=traits,
    )


def build(settings: Settings, clock: Clock) -> System:
    """
    Build a system that is ready to be started.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: The store cannot be opened.
    """
    clock = share_clock(settings.store, clock)
    keys = load_keys(settings)
    sealer, codes = _make_sealer(keys), _make_codes(settings, keys)
    has_gateways = settings.queue.mode is QueueMode.PROCESS
    providers = _build_recorded_gateways(settings, clock, lambda: store) if has_gateways else ()
    # Opened after all that can fail: of what is made here, only the store would have to be closed then.
    store = build_store(settings, clock, make_traits(settings, keys))
    challenges = SealedStore(store, codes.names)
    pumping = PumpingWatch(settings.limits, codes.names, store, clock)
    budgets = Budgets(settings.limits, codes.names, store, clock, pumping=pumping)
    waiting = Waiting(settings.dispatch.wait, clock)
    outbox: RunningOutbox
    takeover = None
    if has_gateways:
        aftermath = Aftermath(challenges, waiting, budgets)
        outbox = dispatcher = _build_dispatcher(settings, providers, store, aftermath, clock)
        takeover = _build_takeover(store, sealer, dispatcher, clock)
    else:
        outbox = _build_stream(settings, store, sealer, codes.names, clock)
    composer = Composer(settings=settings, codes=codes, budgets=budgets, sealer=sealer, outbox=outbox)
    sender = CodeSender(store, outbox, clock)
    store.listen(sender.send)
    login = Login(
        settings=settings,
        codes=codes,
        store=challenges,
        delivery_log=store,
        composer=composer,
        sender=sender,
        waiting=waiting,
        budgets=budgets,
        clock=clock,
    )
    notifier = Notifier(
        texts=settings.notifications,
        composer=composer,
        budgets=budgets,
        names=codes.names,
        delivery_log=store,
        outbox=outbox,
        clock=clock,
    )
    return System(login, notifier, outbox, takeover, pumping, challenges)


def build_worker(settings: Settings, clock: Clock, give_up: Callable[[OtherKey], None]) -> Worker:
    """
    Build a worker that is ready to be started, for settings whose mode is ``workers``.

    Args:
        settings: The whole configuration.
        clock: Time.
        give_up: See `Intake`.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: The store cannot be opened.
    """
    clock = share_clock(settings.queue.reach(settings.store), clock)
    keys = load_keys(settings)
    names = _make_codes(settings, keys).names
    providers = _build_recorded_gateways(settings, clock, lambda: store)
    store = build_store(settings, clock, make_traits(settings, keys), for_worker=True)
    queue = store.open_queue(settings.dispatch.queue)
    challenges = SealedStore(store, names)
    pumping = PumpingWatch(settings.limits, names, store, clock)
    budgets = Budgets(settings.limits, names, store, clock, pumping=pumping)
    aftermath = Aftermath(challenges, Waiting(0, clock), budgets)
    dispatcher = _build_dispatcher(settings, providers, store, aftermath, clock)
    takeover = _build_takeover(store, _make_sealer(keys), dispatcher, clock)
    intake = Intake(
        queue=queue,
        takeover=takeover,
        dispatcher=dispatcher,
        gateways=list(settings.gateways),
        give_up=give_up,
        clock=clock,
    )
    return Worker(dispatcher, intake, challenges)


def _make_sealer(keys: Sequence[bytes]) -> MessageSealer:
    return MessageSealer(derive_message_key(keys[0]), RandomBytes(), *map(derive_message_key, keys[1:]))


def _build_stream(
    settings: Settings, store: Store, sealer: MessageSealer, names: Fingerprints, clock: Clock
) -> StreamOutbox:
    most = settings.dispatch.queue
    queue = store.open_queue(most)
    return StreamOutbox(
        queue=queue,
        view=WorkersView(queue, clock),
        routes=build_routes(settings),
        most=most,
        deadline=settings.dispatch.deadline,
        sealer=sealer,
        fingerprints=names.fingerprints,
        clock=clock,
    )


def _build_recorded_gateways(
    settings: Settings, clock: Clock, store: Callable[[], Store]
) -> Sequence[Provider[Any, Any, Any]]:
    """Make the providers; delivery receipts go to a store that is made after them."""
    return build_gateways(settings, clock, lambda receipt: store().record(_make_event(receipt, clock)))


def _build_takeover(store: Store, sealer: MessageSealer, dispatcher: Dispatcher, clock: Clock) -> Takeover:
    return Takeover(
        store=store,
        sealer=sealer,
        reference=reference_of,
        dispatcher=dispatcher,
        delivery_log=store,
        clock=clock,
    )


def _build_dispatcher(
    settings: Settings,
    providers: Sequence[Provider[Any, Any, Any]],
    store: Store,
    aftermath: Aftermath,
    clock: Clock,
) -> Dispatcher:
    dispatcher = Dispatcher(
        providers=providers,
        routes=build_routes(settings),
        rules=_make_rules(settings),
        delivery_log=store,
        store=store,
        clock=clock,
        random=SystemRandom(),
    )
    dispatcher.listen(aftermath.note_end, aftermath.adjust)
    return dispatcher


def _make_rules(settings: Settings) -> DispatchRules:
    dispatch = settings.dispatch
    return DispatchRules(
        queue=dispatch.queue,
        deadline=dispatch.deadline,
        retries=RetryRules(rounds=1 + dispatch.retries, on_unknown=dispatch.on_unknown),
        hedge_after=dispatch.hedge_after,
    )


def _make_event(receipt: DeliveryReceipt, clock: Clock) -> DeliveryEvent:
    return DeliveryEvent(
        reference="",
        at=clock.time(),
        kind=EventKind.RECEIPT,
        gateway=receipt.gateway,
        gateway_id=receipt.gateway_id,
        detail=f"{receipt.status} {receipt.detail}".strip(),
    )


def _make_codes(settings: Settings, keys: Sequence[bytes]) -> CodeMaker:
    maker, random_bytes = None, RandomBytes()
    for key in reversed(keys):
        maker = CodeMaker(key, settings.otp.length, settings.otp.alphabet, random_bytes, maker)
    assert maker is not None, "there is always a key"
    return maker
