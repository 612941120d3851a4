"""Servers without gateways, and workers that come to their Redis in every way there is, also while it changes its place."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.servers.radius_client import Answer
from tests.support.redis import once
from tests.support.redis_places import (
    Nodes,
    Watched,
    clustered_redis,
    make_authority,
    make_encrypted,
    read_rights,
    watched_redis,
)

from .cluster import READY, Cluster


def log_in_wholly(cluster: Cluster, place: int = 0) -> list[str]:
    """Begin at one server and answer at the other; what the answers are, and how many SMS there were."""
    user = cluster.someone()
    challenge = cluster.log_in(user, place)
    answer = cluster.servers[1 - place].answer(user.name, cluster.code_of(user), challenge.state)
    return [challenge.code, answer.code, f"{cluster.sms_to(user)} SMS"]


WHOLE = ["challenge", "accept", "1 SMS"]


def test_workers_come_in_tls_as_a_user_of_their_own(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    redis = make_encrypted(tmp_path, authority)
    rights = " ".join(read_rights()).replace(">secret", "")
    accounts = tmp_path / "users.acl"
    # Servers may not read the queue, and workers may not ask who has to wait.
    accounts.write_text(
        f"user default off\nuser radius >of-servers {rights} -xreadgroup\nuser worker >of-workers {rights} -hello\n"
    )
    redis.options = [*redis.options, "--aclfile", str(accounts)]
    way = f'url = "rediss://localhost:{redis.port}"\nca_file = "{authority}"'
    ways = tuple(
        f'{way}\nusername = "{user}"\npassword = "{password}"'
        for user, password in (("radius", "of-servers"), ("worker", "of-workers"))
    )
    with redis, Cluster(tmp_path / "cluster", workers=2, ways=(ways[0], ways[1])) as cluster:
        done = [log_in_wholly(cluster, place) for place in (0, 1)]
        cluster.kill_worker()
        done += [log_in_wholly(cluster, place) for place in (0, 1)]

    assert done == [WHOLE] * 4


def challenged(cluster: Cluster, place: int) -> Answer:
    answer = cluster.log_in(cluster.users[-1 - place], place)
    assert answer.code == "challenge"
    return answer


@pytest.mark.long
@pytest.mark.parametrize("make_redis", [watched_redis, clustered_redis])
def test_servers_and_workers_go_where_their_redis_has_gone(
    tmp_path: Path, make_redis: Callable[[Path], AbstractContextManager[Watched | Nodes]]
) -> None:
    with (
        make_redis(tmp_path / "redis") as redis,
        Cluster(tmp_path / "cluster", workers=2, ways=(f'url = "{redis.url}"', "")) as cluster,
    ):
        before = log_in_wholly(cluster)
        waiting = cluster.someone()
        challenge = cluster.log_in(waiting)
        code = cluster.code_of(waiting)
        redis.fail_over()
        for place in (0, 1):
            once(partial(challenged, cluster, place), AssertionError)
        answer = cluster.servers[1].answer(waiting.name, code, challenge.state)
        after = [log_in_wholly(cluster, place) for place in (0, 1)]

        assert [before, *after] == [WHOLE] * 3
        assert answer.code == "accept", cluster.servers[1].log_text()
        assert cluster.sms_to(waiting) == 1


def test_an_account_has_one_bind_however_many_servers_there_are(tmp_path: Path) -> None:
    inbox = Inbox()
    with Smsc(inbox, binds=1) as smsc:
        gateway = write_toml(smsc.configuration())
        with Cluster(tmp_path, workers=1, gateway=gateway, inbox=inbox) as cluster:
            done = [log_in_wholly(cluster, place) for place in (0, 1)]
            refused = [entry for entry in smsc.requests if entry.verdict != "accepted"]
            # One worker too many: it gets no bind, and leaves the messages to the other.
            cluster.start_worker().wait_for(READY)
            done += [log_in_wholly(cluster, place) for place in (0, 1, 0, 1, 0, 1)]
            bound = smsc.bound
            threads = [
                task.read_text().strip()
                for server in cluster.servers
                for task in Path(f"/proc/{server.pid}/task").glob("*/comm")
            ]

    assert done == [WHOLE] * 8
    assert len(bound) == 1
    assert refused == []
    assert not any("smpp" in name for name in threads)
