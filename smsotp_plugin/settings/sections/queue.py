"""The section ``[queue]``."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.stores.redis.address import SCHEMES, RedisAddress, read_address
from smsotp_plugin.stores.redis.settings import RedisAccount, check_url, describe_address, find_clear_text
from smsotp_plugin.stores.settings import StoreSettings


class QueueMode(StrEnum):
    """Where messages wait for a gateway."""

    PROCESS = "process"
    WORKERS = "workers"


def _check_url(url: str) -> str:
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in SCHEMES:
        raise ValueError('must be the address of a Redis: "redis://...", as in store.url')
    return check_url(url)


class _Queue(SettingsModel):
    """
    Where messages wait.

    Attributes:
        mode: `process`: FreeRADIUS itself sends, in threads of its own. `workers`: any number of `smsotp worker`
            processes send, on any machine, and FreeRADIUS has no gateway; this needs a store in Redis, in which the
            messages wait.
        url: Another way for workers to reach the same Redis, if they have one: by another address, in TLS, as another
            user. Written as in `[store] url`. Not set: they reach it as `[store]` says, with its user and its password.
    """

    mode: QueueMode = QueueMode.PROCESS
    url: Annotated[str, AfterValidator(_check_url)] | None = None


class QueueSettings(RedisAccount, _Queue):
    """Which processes have the gateways, and how they reach the store. See [Workers](workers.md)."""

    @model_validator(mode="after")
    def _judge_way(self) -> Self:
        address = self.address
        if address is not None:
            self.check_against(address)
        elif idle := [name for name in RedisAccount.model_fields if getattr(self, name) is not None]:
            need = "needs" if len(idle) == 1 else "need"
            raise ValueError(f"{' and '.join(idle)} {need} url: without it workers go the way of [store]")
        return self

    @property
    def address(self) -> RedisAddress | None:
        """What `url` says."""
        return None if self.url is None else read_address(self.url)

    def reach(self, store: StoreSettings) -> StoreSettings:
        """Return how workers reach a store."""
        if self.url is None:
            return store
        return store.model_copy(
            update={"url": self.url, **{name: getattr(self, name) for name in RedisAccount.model_fields}}
        )

    def describe(self) -> str:
        """Say in words where messages wait."""
        address = self.address
        if self.mode is QueueMode.PROCESS:
            return "in FreeRADIUS, which sends by itself"
        return "in the store, for workers" + (
            "" if address is None else f", who reach it as {describe_address(address)}"
        )

    def explain_store(self, store: StoreSettings) -> str | None:
        """Return what is wrong with the two together, as a sentence that begins with the key; None where nothing is."""
        address = self.address
        if self.mode is QueueMode.PROCESS:
            return (
                None
                if address is None
                else 'url: it has no effect while mode is "process": write mode = "workers", or leave it out'
            )
        if not store.has_queue:
            return (
                'mode: "workers" needs a store in Redis, where the messages wait: set store.url to "redis://...", or leave '
                'this "process"'
                if address is None
                else "url: a message waits where its challenge is kept, in the same change, and this store is not in Redis: set "
                "store.url to the same Redis"
            )
        if address is not None and address.database != read_address(store.url).database:
            return "url: it must lead to the same Redis as store.url, and it names another database of it"
        return None

    def warnings(self) -> Sequence[str]:
        """See `StoreSettings.warnings`."""
        address = self.address
        return () if address is None else find_clear_text(address)
