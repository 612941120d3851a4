"""Servers and workers of one Redis that are not alike: other keys, other settings, other clocks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from tests.support.moved_clock import MovedClock
from tests.support.redis import PATIENCE, Redis, once

from .cluster import READY, Cluster
from .system import UNAVAILABLE

KEY = f'key = "{"k" * 32}"'
HOUR = 3600


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One server and one worker; each test starts others beside them."""
    sections = "[challenge]\nresend_after = 0"
    with Cluster(tmp_path_factory.mktemp("cluster"), servers=1, workers=1, sections=sections) as cluster:
        yield cluster


def holds_another_key(redis_port: int) -> str:
    return f"the configuration holds a different key from the servers and workers that use redis at 127.0.0.1:{redis_port}: copy"


def test_a_server_with_another_key_does_not_start_and_its_log_says_why(cluster: Cluster) -> None:
    with pytest.raises(HarnessError) as refused:
        cluster.start_server(cluster.config_toml.replace(KEY, f'key = "{"o" * 32}"'))
    log = cluster.servers.pop().log_text()

    assert holds_another_key(cluster.redis.port) in str(refused.value)
    assert log.count("holds a different key") == 1
    assert "Traceback" not in log
    assert "Ready to process requests" not in log


def test_a_worker_with_another_key_ends_with_one_line_and_a_status(cluster: Cluster) -> None:
    worker = cluster.start_worker(cluster.config_toml.replace(KEY, f'key = "{"o" * 32}"'))
    status = worker.wait(PATIENCE)
    cluster.workers.remove(worker)
    last = worker.log.splitlines()[-1]

    assert status == 1
    assert holds_another_key(cluster.redis.port) in last
    assert worker.log.count("holds a different key") == 1
    assert "Traceback" not in worker.log
    assert READY not in worker.log


def test_while_the_key_is_changed_each_server_takes_what_the_other_has_asked_for(
    cluster: Cluster, tmp_path: Path
) -> None:
    old, new = "k" * 32, "n" * 32
    servers = []
    for place, keys in enumerate([(old, new), (new, old)]):
        file = tmp_path / f"{place}.key"
        file.write_text("".join(f"{key}\n" for key in keys))
        file.chmod(0o600)
        # The worker of the others has the old key alone.
        config = cluster.config_toml.replace('mode = "workers"', 'mode = "process"')
        servers.append(cluster.start_server(config.replace(KEY, f'key_file = "{file}"')))
    for first, second in (servers, servers[::-1]):
        user = cluster.someone()
        challenge = first.log_in(user.name, user.password)
        code = cluster.code_of(user)
        wrong = second.answer(user.name, "x", challenge.state)
        right = second.answer(user.name, code, challenge.state)
        again = first.answer(user.name, code, challenge.state)

        assert [each.code for each in (challenge, wrong, right, again)] == [
            "challenge",
            "challenge",
            "accept",
            "reject",
        ]
        assert cluster.sms_to(user) == 1
    ahead = "another server or worker that uses redis at"
    assert (
        f"{ahead} 127.0.0.1:{cluster.redis.port} does not know the key in front here" in servers[1].log_text()
    )
    assert "the key in front" not in servers[0].log_text()
    for server in servers:
        server.stop()


def test_a_server_that_sends_by_itself_stands_beside_one_that_has_workers(cluster: Cluster) -> None:
    alone = cluster.start_server(cluster.config_toml.replace('mode = "workers"', 'mode = "process"'))
    (here, *_) = cluster.servers
    for first, second in ((here, alone), (alone, here)):
        user = cluster.someone()
        challenge = first.log_in(user.name, user.password)

        assert second.answer(user.name, cluster.code_of(user), challenge.state).code == "accept"
        assert cluster.sms_to(user) == 1
    alone.wait_for_log("[queue]: another server or worker that uses redis")
    alone.stop()


@pytest.fixture(scope="module")
def other(cluster: Cluster) -> FreeRadiusServer:
    """A server beside the first one, with longer codes that live shorter, other words, and more SMS for everybody."""
    longer = "[otp]\nlength = 8\nttl = 60\nmax_attempts = 2\n"
    config = cluster.config_toml.replace("[otp]\n", longer).replace(
        "resend_after = 0", 'resend_after = 0\nwrong_code_prompt = "Once more"'
    )
    return cluster.start_server(config + '[limits]\nper_user = ["3/h"]\n')


def test_who_starts_with_other_settings_says_which(cluster: Cluster, other: FreeRadiusServer) -> None:
    (told,) = [line for line in other.log_text().splitlines() if "has different settings there" in line]

    assert "smsotp: [otp], [challenge], [limits]" in told
    assert f"another server or worker that uses redis at 127.0.0.1:{cluster.redis.port}" in told
    assert "another server or worker" not in cluster.servers[0].log_text()


def test_a_code_is_what_the_server_made_that_asked_for_it(cluster: Cluster, other: FreeRadiusServer) -> None:
    (here, *_) = cluster.servers
    for first, second, length, tries in ((here, other, 6, 5), (other, here, 8, 2)):
        user = cluster.someone()
        challenge = first.log_in(user.name, user.password)
        code = cluster.code_of(user)
        wrong = [second.answer(user.name, "0" * 7, challenge.state).code for _ in range(tries - 1)]

        assert len(code) == length
        assert wrong == ["challenge"] * (tries - 1)
        assert second.answer(user.name, code, challenge.state).code == "accept"


def test_a_code_is_sent_again_by_a_server_that_can_make_it_and_by_no_other(
    cluster: Cluster, other: FreeRadiusServer
) -> None:
    (here, *_) = cluster.servers
    user = cluster.someone()
    challenge = here.log_in(user.name, user.password)
    code = cluster.code_of(user)
    refused = other.answer(user.name, "resend", challenge.state)
    other.wait_for_log("the code was made with another [otp] length or alphabet")
    again = here.answer(user.name, "resend", challenge.state)
    cluster.gateway.inbox.wait(
        number=user.phone, after=cluster.gateway.inbox.messages(number=user.phone)[0].id
    )

    assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
    assert again.code == "challenge"
    assert {message.code for message in cluster.gateway.inbox.messages(number=user.phone)} == {code}
    assert other.answer(user.name, code, challenge.state).code == "accept"


def test_what_one_server_has_sent_counts_for_the_limits_of_the_other(
    cluster: Cluster, other: FreeRadiusServer
) -> None:
    (here, *_) = cluster.servers
    user = cluster.someone()
    for place in ("one", "two", "three"):
        assert here.log_in(user.name, user.password, Calling_Station_Id=place).code == "challenge"

    assert other.log_in(user.name, user.password, Calling_Station_Id="four").code == "reject"
    assert here.log_in(user.name, user.password, Calling_Station_Id="five").code == "challenge"


class Clocks:
    """Two servers, the second with the real clock, a worker and a Redis, whose clocks are moved."""

    def __init__(self, directory: Path) -> None:
        self.redis, self.first, self.worker = (
            MovedClock(directory / name) for name in ("of-redis", "of-server", "of-worker")
        )
        self.cluster = Cluster(directory / "cluster", servers=0, workers=0, redis_run_by=self.redis.run_by)
        self.sender = self.cluster.start_worker(environment=self.worker.environment)
        self.sender.wait_for(READY)
        self.moved = self.cluster.start_server(environment=self.first.environment)
        self.real = self.cluster.start_server()

    def move(self, redis: int, first: int, worker: int) -> None:
        """Move them, so that each differs from that of Redis by what it has not differed by before; returns when all know."""
        marks = self.sender.mark(), self.moved.log_mark(), self.real.log_mark()
        for clock, by in ((self.redis, redis), (self.first, first), (self.worker, worker)):
            clock.move(by)
        self.sender.wait_for(said(redis - worker), marks[0])
        self.moved.wait_for_log(said(redis - first), after=marks[1], timeout=PATIENCE)
        self.real.wait_for_log(said(redis), after=marks[2], timeout=PATIENCE)


def said(ahead: int) -> str:
    return f" s {'ahead of' if ahead > 0 else 'behind'} that of this machine"


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clocks]:
    directory = tmp_path_factory.mktemp("clocks")
    directory.chmod(0o755)
    clocks = Clocks(directory)
    with clocks.cluster:
        yield clocks


@pytest.mark.parametrize(
    ("redis", "first", "worker"),
    [(30, HOUR, -HOUR), (-HOUR, 30, HOUR), (HOUR, -30, 30), (-30, -HOUR, 2 * HOUR)],
)
def test_whatever_the_clocks_say_a_code_comes_and_lives_as_long_as_promised(
    clocks: Clocks, redis: int, first: int, worker: int
) -> None:
    clocks.move(redis, first, worker)
    for one, two in ((clocks.moved, clocks.real), (clocks.real, clocks.moved)):
        early, late = clocks.cluster.someone(), clocks.cluster.someone()
        challenges = [challenged(one, user) for user in (early, late)]
        codes = [clocks.cluster.code_of(user) for user in (early, late)]
        again = two.log_in(late.name, late.password)

        assert abs(life_of(clocks, challenges[1].state) - 300) < 2
        assert again.state == challenges[1].state
        assert two.answer(early.name, codes[0], challenges[0].state).code == "accept"
        assert clocks.cluster.sms_to(late) == 1


def challenged(server: FreeRadiusServer, user: RadiusUser) -> Answer:
    """Log in until there is a challenge: just after the clock of Redis was set, what workers last said seems to be of long ago."""

    def log_in() -> Answer:
        answer = server.log_in(user.name, user.password)
        assert answer.code == "challenge"
        return answer

    return once(log_in, AssertionError)


def life_of(clocks: Clocks, state: bytes) -> float:
    """Return for how many seconds a challenge was valid when it was opened, by the clock of Redis."""
    redis = Redis(clocks.cluster.redis.port)
    made, end = redis.ask("HMGET", f"{{smsotp}}:challenge:{state.decode()}", "made", "expires")
    redis.close()
    return float(end) - float(made)


def test_a_code_has_ended_when_it_has_by_the_clock_of_redis(clocks: Clocks) -> None:
    clocks.move(-5, -HOUR, HOUR)
    user = clocks.cluster.someone()
    challenge = challenged(clocks.moved, user)
    code = clocks.cluster.code_of(user)
    clocks.move(296, -HOUR, HOUR)

    for server in (clocks.moved, clocks.real):
        late = server.answer(user.name, code, challenge.state)
        assert (late.code, late.prompt) == (
            "reject",
            "The code is no longer valid. Log in again to get a new one.",
        )


def test_nobody_gets_more_sms_at_a_server_that_starts_after_the_clock_of_redis_was_set(
    clocks: Clocks,
) -> None:
    clocks.move(25 * HOUR, 0, 0)
    later = clocks.cluster.start_server()
    challenged(later, clocks.cluster.someone())
    user = clocks.cluster.someone()
    ended = [
        (clocks.real, later)[number % 2]
        .log_in(user.name, user.password, Calling_Station_Id=f"station {number}")
        .code
        for number in range(14)
    ]

    assert ended == ["challenge"] * 10 + ["reject"] * 4
