"""A server that is cut off from Redis in the middle of a log-in, while another one is not."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser, render_plain_site
from smsotp_mocks.servers.radius_client import Answer, RadiusClient
from smsotp_mocks.servers.redis import RedisServer
from tests.support.redis import once

from .mounts import needs_root
from .namespaces import Namespace
from .system import UNAVAILABLE, install, people

pytestmark = needs_root

#: Seconds after which a client of the cut-off server would give up; it is to be answered within half of that.
PATIENCE = 1.0


class Site:
    """Two servers with a cable each to the Redis that they share; at the first, some need no code."""

    def __init__(self, directory: Path, far: Namespace, redis: RedisServer, gateway: HttpGateway) -> None:
        self.far = far
        self.gateway = gateway
        self.users = people(3000)
        self._unused = iter(self.users)
        self.cut, self.other = (
            self._make(directory / f"node-{address}", f"redis://{address}:{redis.port}/0")
            for address in far.addresses
        )
        self.plain = RadiusClient(("127.0.0.1", find_free_udp_port()), timeout=PATIENCE)
        self.cut.prepare()
        (self.cut.raddb / "sites-enabled/plain").write_text(render_plain_site(self.plain.address))

    def _make(self, directory: Path, url: str) -> FreeRadiusServer:
        gateways = {
            name: values
            for name, values in self.gateway.configuration().items()
            if name.startswith("gateways.http")
        }
        store = {"url": url, "key": "k" * 32}
        config = write_toml({"store": store, **gateways})
        return FreeRadiusServer(directory, users=self.users, config_toml=config, configure=install)

    def someone(self) -> RadiusUser:
        return next(self._unused)

    def code_of(self, user: RadiusUser) -> str:
        return self.gateway.inbox.wait(number=user.phone).code

    def log_in_wholly(self, server: FreeRadiusServer) -> str:
        user = self.someone()
        challenge = server.log_in(user.name, user.password)
        assert challenge.code == "challenge", challenge
        return server.answer(user.name, self.code_of(user), challenge.state).code

    @contextlib.contextmanager
    def cut_off(self) -> Iterator[None]:
        self.far.pull(0)
        try:
            yield
        finally:
            self.far.plug(0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with contextlib.ExitStack() as running:
        far = running.enter_context(Namespace(cables=2))
        gateway = running.enter_context(HttpGateway())
        directory = tmp_path_factory.mktemp("site")
        everywhere = ("--bind", "0.0.0.0", "--protected-mode", "no")
        redis = RedisServer(directory / "redis", options=everywhere, run_by=far.run_by)
        running.enter_context(redis)
        site = Site(directory, far, redis, gateway)
        for server in (site.cut, site.other):
            running.enter_context(server)
        yield site


class Crowd:
    """People who log in at the cut-off server one after the other, until they are told to stop."""

    def __init__(self, site: Site) -> None:
        self.users: list[RadiusUser] = []
        self.answers: list[Answer] = []
        #: How many who need no code were let in while one of the others was waiting.
        self.overtaken: list[int] = []
        self._site = site
        self._plain = 0
        self._stop = threading.Event()

    def log_in_until_stopped(self) -> None:
        client = self._site.cut.client(timeout=PATIENCE)
        while not self._stop.wait(0.05):
            user, before = self._site.someone(), self._plain
            self.users.append(user)
            self.answers.append(client.log_in(user.name, user.password))
            self.overtaken.append(self._plain - before)

    def pass_by(self, seconds: float) -> None:
        """Let people who need no code log in beside them."""
        somebody, until = self._site.users[0], time.monotonic() + seconds
        while time.monotonic() < until:
            assert self._site.plain.log_in(somebody.name, somebody.password).code == "accept"
            self._plain += 1
            # Their number is what counts, and not what they cost.
            self._stop.wait(0.02)

    def stop(self) -> None:
        self._stop.set()


@pytest.mark.parametrize("seconds", [1, 5, pytest.param(60, marks=pytest.mark.long)])
def test_a_server_that_is_cut_off_refuses_clearly_harms_nobody_and_goes_on_by_itself(
    site: Site, seconds: int
) -> None:
    waiting = site.someone()
    challenge = site.cut.log_in(waiting.name, waiting.password)
    code = site.code_of(waiting)
    crowd = Crowd(site)
    with site.cut_off(), ThreadPoolExecutor(1) as pool:
        try:
            logging_in = pool.submit(crowd.log_in_until_stopped)
            crowd.pass_by(seconds)
            answered = site.cut.client(timeout=PATIENCE).answer(waiting.name, code, challenge.state)
            elsewhere = site.log_in_wholly(site.other)
        finally:
            crowd.stop()
        logging_in.result()

    def accept() -> None:
        assert site.cut.answer(waiting.name, code, challenge.state).code == "accept"

    once(accept, AssertionError)
    assert {(answer.code, answer.prompt) for answer in crowd.answers} == {("reject", UNAVAILABLE)}
    assert (answered.code, answered.state, elsewhere) == ("reject", b"", "accept")
    # The one who had to wait for Redis was overtaken by several, so nobody waited behind them.
    assert max(crowd.overtaken) > 3
    assert site.log_in_wholly(site.cut) == "accept"
    refused = {user.phone for user in crowd.users}
    # What was on the way to Redis may arrive there after the cut: its SMS comes once, for whoever logs in again.
    came = Counter(message.number for message in site.gateway.inbox.messages() if message.number in refused)
    assert max(came.values(), default=0) <= 1
