from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.pytest_plugin import StartCluster
from smsotp_mocks.servers.cluster import Cluster
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.raddb import BOB
from smsotp_mocks.servers.redis import RedisServer


def test_what_begins_at_one_server_ends_at_another_that_was_there_or_comes_back(
    smsotp_cluster: StartCluster, smsotp_http_gateway: HttpGateway, smsotp_inbox: Inbox
) -> None:
    cluster = smsotp_cluster(smsotp_http_gateway.configuration(), nodes=3)
    first, second, third = cluster.nodes
    third.kill()
    challenge = first.log_in(BOB.name, BOB.password)
    code = smsotp_inbox.wait(number=BOB.phone).code
    first.kill()
    third.start()

    assert third.answer(BOB.name, code, challenge.state).code == "accept"
    assert second.answer(BOB.name, code, challenge.state).code == "reject"


def test_a_cluster_that_cannot_start_leaves_nothing_running(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")

    with pytest.raises(HarnessError, match="smsotp"):
        Cluster(tmp_path, {"otp": {"no_such_setting": 1}}, redis=redis).start()

    assert redis.pid is None


def test_a_table_of_the_store_adds_to_what_the_cluster_says(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, {"store": {"prefix": "mine"}}, nodes=1)

    assert 'prefix = "mine"' in cluster.config_toml
    assert f'url = "{cluster.redis.url}"' in cluster.config_toml


def test_workers_send_for_the_servers_and_one_is_enough(
    smsotp_cluster: StartCluster, smsotp_http_gateway: HttpGateway, smsotp_inbox: Inbox
) -> None:
    cluster = smsotp_cluster(smsotp_http_gateway.configuration(), nodes=1, workers=2)
    cluster.workers[0].kill()
    challenge = cluster.nodes[0].log_in(BOB.name, BOB.password)
    code = smsotp_inbox.wait(number=BOB.phone, timeout=30.0).code

    assert cluster.nodes[0].answer(BOB.name, code, challenge.state).code == "accept"
    assert [message.code for message in smsotp_inbox.messages()] == [code]
