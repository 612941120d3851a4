"""FreeRADIUS servers that share a Redis, all on this machine: for tests and demonstrations."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.redis import RedisServer
from smsotp_mocks.servers.worker import Worker

Tables = Mapping[str, Mapping[str, Any]]


class Cluster:
    """
    Each server can be stopped, killed and started again while the others go on.

    Args:
        directory: Made when it is missing; each server has a folder of its own below.
        tables: The plugin's configuration by the dotted names of its tables, such as what a gateway's `configuration` returns;
            ``[store]`` need not be there, and gets the Redis and a key.
        nodes: How many FreeRADIUS servers.
        workers: How many processes send for them; 0: each server sends by itself.
        redis: Where the store is, not yet started; None makes one.
        options: Of each `FreeRadiusServer`.

    Attributes:
        redis: The Redis that they share.
        nodes: The FreeRADIUS servers.
        workers: The processes that send.
    """

    def __init__(
        self,
        directory: Path,
        tables: Tables,
        *,
        nodes: int = 2,
        workers: int = 0,
        redis: RedisServer | None = None,
        **options: Any,
    ) -> None:
        self.redis = redis or RedisServer(directory / "redis")
        store = {"url": self.redis.url, "key": secrets.token_hex(32), **tables.get("store", {})}
        queue = {"mode": "workers" if workers else "process", **tables.get("queue", {})}
        self.config_toml = write_toml({**tables, "store": store, "queue": queue})
        self.nodes = tuple(
            FreeRadiusServer(directory / f"node-{number}", config_toml=self.config_toml, **options)
            for number in range(1, nodes + 1)
        )
        self.workers = tuple(
            Worker(directory / f"worker-{number}", self.nodes[0].smsotp, self.nodes[0].config_file)
            for number in range(1, workers + 1)
        )
        self._running = ExitStack()

    def start(self) -> Self:
        """
        Start Redis, then the others.

        Raises:
            HarnessError: One of them is not installed, or did not start.
        """
        with ExitStack() as begun:
            begun.enter_context(self.redis)
            self.nodes[0].prepare()
            for worker in self.workers:
                begun.enter_context(worker)
            for node in self.nodes:
                begun.enter_context(node)
            self._running = begun.pop_all()
        return self

    def stop(self) -> None:
        """
        Stop all that run, Redis last.

        Raises:
            AssertionError: A FreeRADIUS did not end as it should.
        """
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What a test raised should not be hidden by how a server ends.
        self._running.__exit__(kind, error, trace)
