"""What a worker does when it is told to end in the middle of an attempt, by whichever signal and however often."""

import signal
from collections.abc import Iterator

import pytest

from tests.support.redis import PATIENCE, wait_for_change

from .cluster import HEARD, READY, Cluster
from .test_workers import under_way

ENDING = "the worker takes no more messages, and sends those that it has"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    sections = "[dispatch]\nworkers = 1"
    with Cluster(tmp_path_factory.mktemp("cluster"), servers=1, workers=0, sections=sections) as cluster:
        yield cluster


@pytest.mark.parametrize(
    "signals",
    [
        [signal.SIGHUP],
        [signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP],
    ],
    ids=lambda signals: "+".join(number.name for number in signals),
)
def test_it_ends_when_its_attempts_have_and_loses_and_repeats_nothing(
    cluster: Cluster, signals: list[signal.Signals]
) -> None:
    (server,) = cluster.servers
    worker = cluster.start_worker()
    worker.wait_for(READY)
    cluster.wait_for_servers(HEARD)
    cluster.gateway.faults.add("delay 300s")
    begun, waiting = (cluster.someone() for _ in range(2))
    challenges = [server.log_in(user.name, user.password) for user in (begun, waiting)]
    # One at a time: the other one waits in the worker.
    wait_for_change(
        cluster.redis.port,
        lambda redis: (
            redis.ask("XLEN", "{smsotp}:queue") == 0 and under_way(redis, challenges) == [True, False]
        ),
    )
    for number in signals:
        worker.send_signal(number)
        worker.wait_for(ENDING)
    other = cluster.start_worker()
    other.wait_for(READY)
    cluster.wait_for_servers(HEARD)
    later = cluster.someone()
    challenges.append(server.log_in(later.name, later.password))
    wait_for_change(cluster.redis.port, lambda redis: under_way(redis, challenges)[2])
    cluster.gateway.faults.clear()
    cluster.gateway.faults.release()
    status = worker.wait(PATIENCE)
    users = (begun, waiting, later)
    answers = [
        server.answer(user.name, cluster.code_of(user), challenge.state).code
        for user, challenge in zip(users, challenges, strict=True)
    ]
    cluster.workers.remove(worker)
    cluster.kill_worker()

    assert status == 0
    assert worker.log.splitlines()[-1].endswith("the worker has ended")
    assert [each.code for each in challenges] == ["challenge"] * 3
    assert answers == ["accept"] * 3
    assert [cluster.sms_to(user) for user in users] == [1, 1, 1]


def test_a_worker_that_is_told_to_end_while_it_starts_does(cluster: Cluster) -> None:
    worker = cluster.start_worker()
    worker.send_signal(signal.SIGTERM)
    status = worker.wait(PATIENCE)
    cluster.workers.remove(worker)

    assert status in {0, -signal.SIGTERM}
    assert "Traceback" not in worker.log
