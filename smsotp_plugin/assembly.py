"""Builds everything from the settings. No logic of its own; each door calls it once."""

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from smsotp_plugin.clock import Clock
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.housekeeping import Housekeeper
from smsotp_plugin.login import Login
from smsotp_plugin.onetime import CodeMaker
from smsotp_plugin.providers import find_provider
from smsotp_plugin.providers.base import GatewayContext, Provider
from smsotp_plugin.settings import Settings
from smsotp_plugin.store_key import load_or_make_key
from smsotp_plugin.stores.base import ChallengeStore
from smsotp_plugin.stores.sqlite import SqliteStore

#: Seconds that messages which are still queued get when the server stops; systemd waits 90 before it kills.
STOP_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class System:
    """Everything that runs inside one process."""

    login: Login
    dispatcher: Dispatcher
    store: ChallengeStore
    housekeeper: Housekeeper

    def start(self) -> None:
        """Start the background threads."""
        self.dispatcher.start()
        self.housekeeper.start()

    def stop(self) -> None:
        """
        Send what is queued, end all threads and close everything, within `STOP_GRACE` and a few seconds.

        Goes on where one of them fails, and raises its error in the end.
        """
        with ExitStack() as rest:
            rest.callback(self.store.close)
            rest.callback(self.housekeeper.stop)
            rest.callback(self.dispatcher.stop, STOP_GRACE)
            self.store.flush()


def build_gateways(settings: Settings, clock: Clock) -> Sequence[Provider[Any, Any, Any]]:
    """Make the provider of every gateway, in the order of the file. No I/O."""
    return [
        find_provider(gateway.provider)(GatewayContext(name=name, clock=clock), gateway)
        for name, gateway in settings.gateways.items()
    ]


def build(settings: Settings, clock: Clock) -> System:
    """
    Build a system that is ready to be started.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: The store cannot be opened.
    """
    dispatch = settings.dispatch
    dispatcher = Dispatcher(
        build_gateways(settings, clock),
        workers=dispatch.workers,
        queue=dispatch.queue,
        deadline=dispatch.deadline,
        clock=clock,
    )
    codes = CodeMaker(_key(settings), settings.otp.length, settings.otp.alphabet, secrets.token_bytes)
    store = SqliteStore(settings.store.database, settings.challenge.resend_after, clock)
    return System(
        login=Login(settings, codes, store, dispatcher, clock),
        dispatcher=dispatcher,
        store=store,
        housekeeper=Housekeeper(store, clock),
    )


def _key(settings: Settings) -> bytes:
    if settings.store.key is not None:
        return settings.store.key.get_secret_value().encode()
    return load_or_make_key(settings.store.key_path)
