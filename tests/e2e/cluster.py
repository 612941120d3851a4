"""Servers without gateways, workers that have them, a Redis between them, and people."""

import contextlib
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox, NoMessage
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from smsotp_mocks.servers.redis import RedisServer
from tests.support.programs import Running
from tests.support.redis import PATIENCE

from .system import install, people, secrets_in, write_http_gateway

#: Said by a worker that can be used.
READY = "the worker takes messages"
#: Said by a server that has heard of workers, and by one that hears of none any more.
HEARD, LOST = "workers that have the gateways: ", "log-ins are refused: no worker has been heard from for 3 s"

#: Lines in an error.
_SHOWN = 20

CONFIG = """
[store]
{of_store}
key = "{key}"
[queue]
mode = "workers"
{of_queue}
{sections}
[otp]
text = "Your code is {{otp}}"
[notifications.new]
text = "A new device has logged in."
{tables}
"""


class Cluster:
    """
    Some servers and workers.

    Args:
        directory: For everything.
        servers: How many FreeRADIUS servers.
        workers: How many workers at first.
        users: How many people there are.
        sections: Further tables of the configuration.
        durable: Whether Redis loses nothing when it dies.
        redis_run_by: See `Program`.
        ways: Lines of ``[store]`` and of ``[queue]`` where they are other ones, to a Redis that the test has.
        gateway: Tables of a gateway other than the mock for HTTP.
        inbox: Where the SMS of the test's gateway go; None: that of the mock for HTTP.
    """

    def __init__(
        self,
        directory: Path,
        *,
        servers: int = 2,
        workers: int = 3,
        users: int = 60,
        sections: str = "[dispatch]\nworkers = 2",
        durable: bool = False,
        redis_run_by: Sequence[str] = (),
        ways: tuple[str, str] | None = None,
        gateway: str | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self.redis = RedisServer(directory / "redis", durable=durable, run_by=redis_run_by)
        of_store, of_queue = ways or (f'url = "{self.redis.url}"', "")
        self.gateway = HttpGateway(inbox)
        self.gateway.start()
        self.users = people(users)
        self._unused = iter(self.users)
        tables = write_http_gateway(self.gateway.url) if gateway is None else gateway
        self.config_toml = CONFIG.format(
            key="k" * 32, of_store=of_store, of_queue=of_queue, sections=sections, tables=tables
        )
        self.config = directory / "worker.toml"
        self.workers: list[Running] = []
        self.all_workers: list[Running] = []
        self.servers: list[FreeRadiusServer] = []
        self._places = itertools.count()
        self._rest = contextlib.ExitStack()
        with contextlib.ExitStack() as begun:
            begun.callback(self._end)
            if ways is None:
                self.redis.start()
            self.config.write_text(self.config_toml)
            for _ in range(workers):
                self.start_worker()
            for worker in self.workers:
                worker.wait_for(READY)
            for _ in range(servers):
                self.start_server()
            self._rest = begun.pop_all()

    def start_worker(
        self, config_toml: str | None = None, environment: dict[str, str] | None = None
    ) -> Running:
        """
        Start one more worker; it may not be ready yet.

        Args:
            config_toml: Its configuration; None: that of all.
            environment: Further variables.
        """
        config, place = self.config, len(self.all_workers)
        if config_toml is not None:
            config = self._directory / f"worker{place}.toml"
            config.write_text(config_toml)
        command = [str(Path(sys.executable).parent / "smsotp"), "worker", "--config", str(config)]
        worker = Running(command, self._directory / f"worker{place}.log", environment)
        self.workers.append(worker)
        self.all_workers.append(worker)
        return worker

    def start_server(
        self, config_toml: str | None = None, environment: dict[str, str] | None = None
    ) -> FreeRadiusServer:
        """
        Start one more server; arguments as for a worker.

        Raises:
            HarnessError: It does not start.
        """
        server = FreeRadiusServer(
            self._directory / f"server{next(self._places)}",
            users=self.users,
            config_toml=self.config_toml if config_toml is None else config_toml,
            configure=install,
            environment=environment or {},
        )
        self.servers.append(server)
        return server.start()

    def wait_for_servers(self, said: str) -> None:
        """Wait until what each server said last of the workers is `HEARD`, or is `LOST`: the two take turns."""
        for server in self.servers:
            before = LOST if said == HEARD else HEARD
            times = server.log_text().count(before) + (said == HEARD)
            server.wait_for_log(said, times=times, timeout=PATIENCE)

    def kill_worker(self, place: int = 0) -> None:
        """End one at once."""
        self.workers.pop(place).kill()

    def someone(self) -> RadiusUser:
        """Return a user who has not logged in yet."""
        return next(self._unused)

    def code_of(self, user: RadiusUser, timeout: float = 10.0) -> str:
        """Wait for the SMS to this user and return its code."""
        try:
            return self.gateway.inbox.wait(number=user.phone, timeout=timeout).code
        except NoMessage as exc:
            logs = "\n".join(
                "".join(worker.log.splitlines(keepends=True)[-_SHOWN:]) for worker in self.workers
            )
            raise AssertionError(f"{exc}\nThe end of the log of each worker:\n{logs}") from exc

    def sms_to(self, user: RadiusUser) -> int:
        """Return how many SMS this user has got."""
        return len(self.gateway.inbox.messages(number=user.phone))

    def log_in(self, user: RadiusUser, server: int = 0) -> Answer:
        """Send a first leg."""
        return self.servers[server].log_in(user.name, user.password)

    def close(self) -> None:
        """End everything; no code may have reached a log."""
        self._rest.close()
        logs = [server.log_text() for server in self.servers] + [worker.log for worker in self.all_workers]
        codes = [message.code for message in self.gateway.inbox.messages() if message.code]
        for log in logs:
            assert secrets_in(log, codes) == []

    def _end(self) -> None:
        with contextlib.ExitStack() as rest:
            rest.callback(self.redis.kill)
            rest.callback(self.gateway.stop)
            for worker in self.workers:
                rest.callback(worker.stop)
            for server in self.servers:
                rest.callback(server.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
