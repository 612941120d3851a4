"""A notification that waits for workers is its person's as well: whoever is erased does not get it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.assembly import System, build
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.commands.person import find_person
from smsotp_plugin.errors import NotNeeded
from smsotp_plugin.settings import Settings, load_settings
from smsotp_plugin.stores.queue import GatewayReport
from smsotp_plugin.stores.schemes import erase_person
from tests.support.login_bench import NUMBER, request
from tests.support.parcels import begin_attempt
from tests.support.queue_process import STREAM, Process, workers
from tests.support.redis import Redis

__all__ = ["workers"]

OLDER, NEWER = ("o" * 32, "n" * 32)
#: Another user, at another number.
ANNA = {"user": "anna", "numbers": ("+491701230000",)}


@pytest.fixture
def configure(tmp_path: Path, server: RedisServer) -> Callable[..., Settings]:
    def configure(*keys: str) -> Settings:
        path = tmp_path / "smsotp.toml"
        path.touch(mode=0o600)
        path.write_text(f"""
[store]
url = "{server.url}"
keys = {list(keys)}
[users]
default_region = "DE"
[queue]
mode = "workers"
[notifications.login]
text = "Somebody has logged in as you."
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
""")
        return load_settings(path)

    return configure


@pytest.fixture
def node(configure: Callable[..., Settings], workers: list[Process]) -> Iterator[System]:
    """A server without gateways, and a worker that can use the one that there is."""
    workers[0].queue.report({"any": GatewayReport("alive")})
    node = build(configure(OLDER), SystemClock())
    node.outbox.start()
    yield node
    node.outbox.stop(0)
    node.store.close()


def kept(redis: Redis) -> set[str]:
    """Return all that is kept of messages."""
    names = ("message:*", "messages:*", "held:*")
    return {key for name in names for key in redis.ask("KEYS", "{smsotp}:" + name)}


@pytest.mark.parametrize("keys", [(OLDER,), (NEWER, OLDER)])
@pytest.mark.parametrize("whom", ["bob", NUMBER, "0170 1234567"])
def test_what_waits_for_a_worker_is_erased_by_name_and_by_number_and_nothing_of_others(
    configure: Callable[..., Settings], redis: Redis, node: System, whom: str, keys: tuple[str, ...]
) -> None:
    settings = configure(*keys)
    node.notifier.notify("login", request(**ANNA, station="", client=""))
    node.store.flush()
    of_anna = kept(redis)
    node.notifier.notify("login", request(station="", client=""))
    node.store.flush()
    before = kept(redis)
    erased = erase_person(settings.store, find_person(settings, whom))

    assert of_anna < before
    assert erased.messages == 1
    assert kept(redis) == of_anna
    assert not erase_person(settings.store, find_person(settings, whom))


def test_what_a_worker_has_taken_is_given_to_no_gateway_any_more(
    configure: Callable[..., Settings], redis: Redis, node: System, workers: list[Process]
) -> None:
    settings = configure(OLDER)
    node.notifier.notify("login", request())
    node.store.flush()
    (taken,) = workers[0].queue.take(5)
    erased = erase_person(settings.store, find_person(settings, "bob"))

    assert erased.messages == 1
    assert kept(redis) == set()
    with pytest.raises(NotNeeded):
        begin_attempt(workers[0].store, taken.message.state, "any")


def test_the_worker_whose_turn_comes_finds_nothing(
    configure: Callable[..., Settings], redis: Redis, node: System, workers: list[Process]
) -> None:
    settings = configure(OLDER)
    node.notifier.notify("login", request())
    node.store.flush()
    waiting = redis.ask("XLEN", STREAM)
    erase_person(settings.store, find_person(settings, "bob"))

    assert waiting == 1
    assert list(workers[0].queue.take(5)) == []
    assert redis.ask("XLEN", STREAM) == 0


def test_what_no_worker_has_sent_before_its_end_is_erased_too(
    configure: Callable[..., Settings], redis: Redis, node: System
) -> None:
    settings = configure(OLDER)
    node.notifier.notify("login", request())
    node.store.flush()
    (message,) = redis.ask("KEYS", "{smsotp}:message:*")
    # What counts as on its way ends by itself a second after the message; it is kept for a day more.
    redis.ask("DEL", *redis.ask("KEYS", "{smsotp}:held:*"))
    erased = erase_person(settings.store, find_person(settings, "bob"))

    assert erased.messages == 1
    assert redis.ask("EXISTS", message) == 0
