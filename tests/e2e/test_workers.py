"""FreeRADIUS servers without gateways, and workers that send: whoever is asked, whoever dies, one SMS for each log-in."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.radius_client import Answer
from tests.support.redis import PATIENCE, Redis, wait_for_change

from .cluster import HEARD, LOST, READY, Cluster
from .system import UNAVAILABLE


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def under_way(redis: Redis, challenges: Iterable[Answer]) -> list[bool]:
    """Tell of each challenge whether the gateway may have its SMS."""
    keys = [f"{{smsotp}}:message:{each.state.decode()}:0" for each in challenges]
    return list(map(bool, redis.ask_all([("HEXISTS", key, "g mock") for key in keys])))


def test_what_begins_at_one_server_is_sent_by_a_worker_and_answered_at_the_other(cluster: Cluster) -> None:
    user = cluster.someone()
    challenge = cluster.log_in(user)
    code = cluster.code_of(user)
    answer = cluster.servers[1].answer(user.name, code, challenge.state)
    again = cluster.servers[0].answer(user.name, code, challenge.state)

    assert [each.code for each in (challenge, answer, again)] == ["challenge", "accept", "reject"]
    assert cluster.sms_to(user) == 1


def count_held(redis: Redis) -> int:
    """Return how many messages must come to be under way: of those that each worker has, two."""
    owners = redis.ask("ZRANGE", "{smsotp}:owners", 0, -1)
    return sum(min(2, redis.ask("SCARD", f"{{smsotp}}:messages:{owner}")) for owner in owners)


def test_what_a_killed_worker_had_is_sent_by_the_others_and_only_once(
    cluster: Cluster,
) -> None:
    cluster.gateway.faults.add("delay 300s")
    before = len(cluster.gateway.requests)
    users = [cluster.someone() for _ in range(12)]
    # Three workers with two at a time: six are under way, and six are waiting in a worker.
    begun: list[bool] = []

    def all_taken(redis: Redis) -> bool:
        begun[:] = under_way(redis, challenges)
        return redis.ask("XLEN", "{smsotp}:queue") == 0 and 3 <= sum(begun) == count_held(redis)

    with cluster.gateway.inbox.subscribe() as told:
        challenges = [cluster.log_in(user, place % 2) for place, user in enumerate(users)]
        wait_for_change(cluster.redis.port, all_taken)
        # Of an attempt that is noted and has not come there, nobody could say that it never will.
        while len(cluster.gateway.requests) < before + sum(begun):
            assert told.get(PATIENCE) is not None
    for _ in range(2):
        cluster.kill_worker()
    cluster.gateway.faults.clear()
    cluster.gateway.faults.release()
    waiting = [user for user, is_begun in zip(users, begun, strict=True) if not is_begun]
    codes = {user.name: cluster.code_of(user, 20.0) for user in waiting}
    (heir,) = cluster.workers
    heir.wait_for("gateway mock: unknown: the server ended during the attempt")
    for _ in range(2):
        cluster.start_worker().wait_for(READY)

    assert waiting
    assert [cluster.sms_to(user) for user in users if user in waiting] == [1] * len(waiting)
    assert [cluster.sms_to(user) for user in users] == [1] * len(users)
    for user, challenge in zip(users, challenges, strict=True):
        if user in waiting:
            assert cluster.servers[1].answer(user.name, codes[user.name], challenge.state).code == "accept"


def test_a_worker_that_is_told_to_end_sends_what_it_has(cluster: Cluster) -> None:
    user = cluster.someone()
    cluster.gateway.faults.add("delay 300s")
    challenge = cluster.log_in(user)
    wait_for_change(cluster.redis.port, lambda redis: all(under_way(redis, [challenge])))
    cluster.gateway.faults.clear()
    cluster.gateway.faults.release()
    codes = [worker.end(20) for worker in cluster.workers]
    cluster.workers.clear()
    for _ in range(3):
        cluster.start_worker().wait_for(READY)
    cluster.wait_for_servers(HEARD)

    assert codes == [0, 0, 0]
    assert cluster.sms_to(user) == 1


def test_without_a_worker_log_ins_are_refused_and_with_one_again_they_are_not(tmp_path: Path) -> None:
    with Cluster(tmp_path, servers=1, workers=0) as cluster:
        (server,) = cluster.servers
        refused = cluster.log_in(cluster.someone())
        cluster.start_worker().wait_for(READY)
        cluster.wait_for_servers(HEARD)
        user = cluster.someone()
        challenge = cluster.log_in(user)
        code = cluster.code_of(user)
        cluster.kill_worker()
        cluster.wait_for_servers(LOST)
        refused_again = cluster.log_in(cluster.someone())

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
        answer = server.answer(user.name, code, challenge.state)
        assert answer.code == "accept", server.log_text()
        assert (refused_again.code, refused_again.prompt) == ("reject", UNAVAILABLE)
        server.wait_for_log("no worker is alive that could send it: start smsotp worker")


def test_a_cluster_whose_start_fails_leaves_nothing_running(tmp_path: Path) -> None:
    begun: list[Cluster] = []

    class Broken(Cluster):
        def start_server(
            self, config_toml: str | None = None, environment: dict[str, str] | None = None
        ) -> FreeRadiusServer:
            begun.append(self)
            super().start_server(config_toml, environment)
            raise HarnessError("the second one does not start")

    with pytest.raises(HarnessError, match="the second one"):
        Broken(tmp_path, workers=1)
    (cluster,) = begun

    assert [server.pid for server in cluster.servers] == [None]
    assert cluster.redis.pid is None
    assert cluster.workers[0].wait(0) is not None


def test_a_station_that_floods_gets_its_share_of_the_queue_and_others_get_in(tmp_path: Path) -> None:
    with Cluster(tmp_path, servers=1, workers=1, sections="[dispatch]\nworkers = 1\nqueue = 8") as cluster:
        (server,) = cluster.servers
        cluster.gateway.faults.add("delay 300s")
        flooded = [
            server.log_in(user.name, user.password, Calling_Station_Id="192.0.2.7").code
            for user in (cluster.someone() for _ in range(12))
        ]
        other = cluster.someone()
        challenge = server.log_in(other.name, other.password, Calling_Station_Id="192.0.2.8")
        cluster.gateway.faults.clear()
        cluster.gateway.faults.release()
        code = cluster.code_of(other, 60.0)
        answer = server.answer(other.name, code, challenge.state)

    # Half of the queue while nothing is taken from it, as much as all of it when everything is.
    assert 4 <= flooded.count("challenge") <= 8
    assert (
        "messages for this station are on their way already, its share of dispatch.queue" in server.log_text()
    )
    assert answer.code == "accept"


def test_a_gateway_that_refuses_is_told_at_the_answer_and_in_the_trace(cluster: Cluster) -> None:
    user = cluster.someone()
    cluster.gateway.faults.add("status 400")
    challenge = cluster.log_in(user)
    key = f"{{smsotp}}:challenge:{challenge.state.decode()}"
    wait_for_change(
        cluster.redis.port, lambda redis: redis.ask("HGET", key, "undelivered") in {"refused", "not sent"}
    )
    cluster.gateway.faults.clear()
    later = cluster.log_in(user, 1)

    assert cluster.servers[1].answer(user.name, "000000", challenge.state).code == "reject"
    assert later.state != challenge.state
    assert cluster.code_of(user)
