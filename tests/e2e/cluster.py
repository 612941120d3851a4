"""Servers without gateways, workers that have them, a Redis between them, and people."""

import contextlib
import sys
from pathlib import Path
from typing import Self

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from smsotp_mocks.servers.redis import RedisServer
from tests.support.programs import Running
from tests.support.redis import once

from .system import people, secrets_in

#: Said by a worker that can be used.
READY = "the worker takes messages"
#: Said by a server that has heard of workers, and by one that hears of none any more.
HEARD, LOST = "workers that have the gateways: ", "log-ins are refused: no worker has been heard of for 3 s"


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
    ) -> None:
        self._directory = directory
        self.redis = RedisServer(directory / "redis", durable=durable).start()
        self.gateway = HttpGateway()
        self.gateway.start()
        self.users = people(users)
        self._unused = iter(self.users)
        config = f"""
[store]
url = "{self.redis.url}"
key = "{"k" * 32}"
[queue]
mode = "workers"
{sections}
[otp]
text = "Your code is {{otp}}"
[notifications.new]
text = "A new device has logged in."
[gateways.mock]
provider = "http"
URL = "{self.gateway.url}/sms"
HTTP_METHOD = "POST"
RETURN_SUCCESS = "OK"
TIMEOUT = 100
[gateways.mock.options]
to = "{{phone}}"
text = "{{otp}}"
"""
        self.config = directory / "worker.toml"
        self.config.write_text(config)
        self.workers: list[Running] = []
        self.all_workers: list[Running] = []
        for _ in range(workers):
            self.start_worker()
        for worker in self.workers:
            worker.wait_for(READY)
        self.servers = [
            FreeRadiusServer(directory / f"server{place}", users=self.users, config_toml=config).start()
            for place in range(servers)
        ]

    def start_worker(self) -> Running:
        """Start one more worker; it may not be ready yet."""
        command = [str(Path(sys.executable).parent / "smsotp"), "worker", "--config", str(self.config)]
        worker = Running(command, self._directory / f"worker{len(self.all_workers)}.log")
        self.workers.append(worker)
        self.all_workers.append(worker)
        return worker

    def wait_for_servers(self, said: str) -> None:
        """Wait until what each server said last of the workers is `HEARD`, or is `LOST`; one that is new says nothing."""

        def look() -> None:
            for server in self.servers:
                lines = [line for line in server.log_text().splitlines() if HEARD in line or LOST in line]
                assert lines, "the server has said nothing of workers"
                assert said in lines[-1]

        once(look, AssertionError)

    def kill_worker(self, place: int = 0) -> None:
        """End one at once."""
        self.workers.pop(place).kill()

    def someone(self) -> RadiusUser:
        """Return a user who has not logged in yet."""
        return next(self._unused)

    def code_of(self, user: RadiusUser, timeout: float = 10.0) -> str:
        """Wait for the SMS to this user and return its code."""
        return self.gateway.inbox.wait(number=user.phone, timeout=timeout).code

    def sms_to(self, user: RadiusUser) -> int:
        """Return how many SMS this user has got."""
        return len(self.gateway.inbox.messages(number=user.phone))

    def log_in(self, user: RadiusUser, server: int = 0) -> Answer:
        """Send a first leg."""
        return self.servers[server].log_in(user.name, user.password)

    def close(self) -> None:
        """End everything; no code may have reached a log."""
        with contextlib.ExitStack() as rest:
            rest.callback(self.redis.kill)
            rest.callback(self.gateway.stop)
            for worker in self.workers:
                rest.callback(worker.stop)
            for server in self.servers:
                rest.callback(server.stop)
        logs = [server.log_text() for server in self.servers] + [worker.log for worker in self.all_workers]
        codes = [message.code for message in self.gateway.inbox.messages() if message.code]
        for log in logs:
            assert secrets_in(log, codes) == []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
