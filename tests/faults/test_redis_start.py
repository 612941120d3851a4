"""A Redis that cannot be written to when a server starts: the server starts, and log-ins go on when it can."""

from pathlib import Path

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.link import LIMIT
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin
from tests.support.redis import Redis, once, open_store, somebody


@pytest.mark.parametrize(
    ("setting", "bad", "good"),
    [("min-replicas-to-write", "1", "0"), ("maxmemory", "1", "0")],
    ids=["without its replicas", "full"],
)
def test_a_start_outlasts_what_passes(setting: str, bad: str, good: str, tmp_path: Path) -> None:
    with RedisServer(tmp_path, options=[f"--{setting}", bad]) as server:
        clock = FakeClock(waits=Waits.NOT_AT_ALL)
        store, redis = open_store(server.url, clock, limit=LIMIT), Redis(server.port)
        with pytest.raises(StoreError):
            begin(store, somebody())
        redis.ask("CONFIG", "SET", setting, good)
        new = somebody()

        assert once(lambda: begin(store, new), clock=clock) == new
        redis.close()
        store.close()
