"""Builds everything from the settings. No logic of its own; each door calls it once."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.codes.key_file import has_keys, load_keys, load_or_make_keys
from smsotp_plugin.codes.keyed import derive_message_key
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.dispatch.delivery import RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher, DispatchRules
from smsotp_plugin.dispatch.routes import Route, RouteTable
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import StoreError
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
from smsotp_plugin.sms.sealed import MessageSealer
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.schemes import open_store
from smsotp_plugin.stores.sealed import SealedStore

#: Seconds that messages which are still queued get when the server stops; systemd waits 90 before it kills.
STOP_GRACE = 60.0
#: Seconds.
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class System:
    """Everything that runs inside one process."""

    login: Login
    notifier: Notifier
    dispatcher: Dispatcher
    takeover: Takeover
    pumping: PumpingWatch
    store: ChallengeStore

    def start(self) -> None:
        """Start the background threads."""
        self.dispatcher.start()
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
            rest.callback(self.dispatcher.stop, STOP_GRACE)
            rest.callback(self.pumping.stop)
            rest.callback(self.takeover.stop)
            self.login.stop_waiting()
            self.store.flush()


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
    return _make_codes(settings, _load_keys(settings))


def find_names(settings: Settings) -> Fingerprints:
    """
    Return what makes names, for a command that looks into the store of a server.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: There is no key yet, and none is made.
    """
    if not settings.store.given_keys and not has_keys(settings.store.key_path):
        raise StoreError(
            f"there is no key {settings.store.key_path} to find people by: FreeRADIUS makes it at its first start"
        )
    return build_codes(settings).names


def build_store(settings: Settings, clock: Clock) -> Store:
    """
    Open the store.

    Raises:
        StoreError: It cannot be opened.
    """
    return open_store(
        settings.store,
        window=settings.challenge.resend_after,
        events_kept=settings.delivery_log.days * _DAY,
        clock=clock,
        budgets=make_rules(settings.limits),
    )


def build(settings: Settings, clock: Clock) -> System:
    """
    Build a system that is ready to be started.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: The store cannot be opened.
    """
    keys = _load_keys(settings)
    sealer = MessageSealer(derive_message_key(keys[0]), os.urandom, *map(derive_message_key, keys[1:]))
    codes = _make_codes(settings, keys)
    providers = build_gateways(settings, clock, lambda receipt: store.record(_make_event(receipt, clock)))
    # Opened last: of what is made here, only the store has to be closed where the rest cannot be made.
    store = build_store(settings, clock)
    challenges = SealedStore(store, codes.names)
    dispatcher = _build_dispatcher(settings, providers, store, clock)
    pumping = PumpingWatch(settings.limits, codes.names, store, clock)
    budgets = Budgets(settings.limits, codes.names, store, clock, pumping=pumping)
    composer = Composer(settings=settings, codes=codes, budgets=budgets, sealer=sealer, outbox=dispatcher)
    sender, waiting = CodeSender(store, dispatcher, clock), Waiting(settings.dispatch.wait, clock)
    aftermath = Aftermath(challenges, waiting, budgets)
    store.listen(sender.send)
    dispatcher.listen(aftermath.note_end, aftermath.adjust)
    return System(
        login=Login(
            settings=settings,
            codes=codes,
            store=challenges,
            delivery_log=store,
            composer=composer,
            sender=sender,
            waiting=waiting,
            budgets=budgets,
            clock=clock,
        ),
        notifier=Notifier(
            texts=settings.notifications,
            composer=composer,
            budgets=budgets,
            names=codes.names,
            delivery_log=store,
            outbox=dispatcher,
            clock=clock,
        ),
        dispatcher=dispatcher,
        takeover=_build_takeover(store, sealer, dispatcher, clock),
        pumping=pumping,
        store=challenges,
    )


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
    settings: Settings, providers: Sequence[Provider[Any, Any, Any]], store: Store, clock: Clock
) -> Dispatcher:
    return Dispatcher(
        providers=providers,
        routes=build_routes(settings),
        rules=_make_rules(settings),
        delivery_log=store,
        store=store,
        clock=clock,
        random=SystemRandom(),
    )


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
    maker = None
    for key in reversed(keys):
        maker = CodeMaker(key, settings.otp.length, settings.otp.alphabet, os.urandom, maker)
    assert maker is not None, "there is always a key"
    return maker


def find_keys(settings: Settings) -> tuple[bytes, ...]:
    """
    Return the keys of a store, the present one first; none is made.

    Raises:
        ConfigError: The key file cannot be used.
    """
    store = settings.store
    if store.given_keys:
        return tuple(key.encode() for key in store.given_keys)
    return load_keys(store.key_path)


def _load_keys(settings: Settings) -> tuple[bytes, ...]:
    store = settings.store
    if not store.given_keys and store.makes_key:
        return load_or_make_keys(store.key_path)
    return find_keys(settings)
