"""FreeRADIUS servers without gateways, and workers that send: whoever is asked, whoever dies, one SMS for each log-in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis import Redis, once

from .cluster import HEARD, LOST, READY, Cluster
from .system import UNAVAILABLE


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def wait_for_attempts(cluster: Cluster, states: list[bytes]) -> None:
    """Wait until the gateway may have the SMS of these challenges."""
    redis = Redis(cluster.redis.port)

    def look() -> None:
        for state in states:
            assert "g mock" in redis.ask("HKEYS", f"{{smsotp}}:message:{state.decode()}:0")

    once(look, AssertionError)
    redis.close()


def test_what_begins_at_one_server_is_sent_by_a_worker_and_answered_at_the_other(cluster: Cluster) -> None:
    user = cluster.someone()
    challenge = cluster.log_in(user)
    code = cluster.code_of(user)
    answer = cluster.servers[1].answer(user.name, code, challenge.state)
    again = cluster.servers[0].answer(user.name, code, challenge.state)

    assert [each.code for each in (challenge, answer, again)] == ["challenge", "accept", "reject"]
    assert cluster.sms_to(user) == 1


def test_a_server_has_no_thread_of_a_gateway(cluster: Cluster) -> None:
    pid = cluster.servers[0].pid
    names = {task.read_text().strip() for task in Path(f"/proc/{pid}/task").glob("*/comm")}

    assert not any("mock" in name for name in names)


def test_what_a_killed_worker_had_is_sent_by_the_others_and_only_once(
    cluster: Cluster,
) -> None:
    cluster.gateway.faults.add("delay 300s")
    users = [cluster.someone() for _ in range(12)]
    challenges = [cluster.log_in(user, place % 2) for place, user in enumerate(users)]
    # Three workers with two at a time: six are under way, and six are waiting in a worker.
    redis = Redis(cluster.redis.port)

    def all_taken() -> None:
        assert redis.ask("XLEN", "{smsotp}:queue") == 0
        held = [redis.ask("HKEYS", f"{{smsotp}}:message:{each.state.decode()}:0") for each in challenges]
        assert sum("g mock" in keys for keys in held) >= 3

    once(all_taken, AssertionError)
    under_way = [
        "g mock" in redis.ask("HKEYS", f"{{smsotp}}:message:{each.state.decode()}:0") for each in challenges
    ]
    redis.close()
    for _ in range(2):
        cluster.kill_worker()
    cluster.gateway.faults.clear()
    cluster.gateway.faults.release()
    waiting = [user for user, begun in zip(users, under_way, strict=True) if not begun]
    codes = {user.name: cluster.code_of(user, 20.0) for user in waiting}
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
    wait_for_attempts(cluster, [challenge.state])
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
        assert "no worker lives that could send it: start smsotp worker" in server.log_text()


def test_a_gateway_that_refuses_is_told_at_the_answer_and_in_the_trace(cluster: Cluster) -> None:
    user = cluster.someone()
    cluster.gateway.faults.add("status 400")
    challenge = cluster.log_in(user)
    redis = Redis(cluster.redis.port)
    key = f"{{smsotp}}:challenge:{challenge.state.decode()}"

    def noted() -> None:
        assert redis.ask("HGET", key, "undelivered") in {"refused", "not sent"}

    once(noted, AssertionError)
    redis.close()
    cluster.gateway.faults.clear()
    later = cluster.log_in(user, 1)

    assert cluster.servers[1].answer(user.name, "000000", challenge.state).code == "reject"
    assert later.state != challenge.state
    assert cluster.code_of(user)
