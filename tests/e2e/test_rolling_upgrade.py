"""Servers of two versions at one Redis: they share it, or the one that cannot says so and lets nobody in."""

import re
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.pytest_plugin import StartCluster
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import BOB

from .test_upgrade import environment


def change(command: Path, file: str, old: str, new: str) -> None:
    """Change what a copy of the plugin is made of."""
    path = command.parent / "lib/smsotp_plugin" / file
    text = path.read_text()
    assert re.search(old, text, re.MULTILINE)
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))


def test_a_log_in_goes_from_one_version_to_another_whose_scripts_differ(
    smsotp_cluster: StartCluster, smsotp_http_gateway: HttpGateway, tmp_path: Path
) -> None:
    cluster = smsotp_cluster(smsotp_http_gateway.configuration(), nodes=1)
    other = environment(tmp_path / "2")
    for script in ("open", "answer"):
        change(other, f"stores/redis/lua/{script}.lua", r"\A", "-- Another version.\n")
    (old,) = cluster.nodes
    with FreeRadiusServer(tmp_path / "new", config_toml=cluster.config_toml, smsotp=other) as new:
        for first, second in ((old, new), (new, old)):
            challenge = first.log_in(BOB.name, BOB.password)
            sms = smsotp_http_gateway.inbox.wait(number=BOB.phone)
            smsotp_http_gateway.inbox.clear()

            assert second.answer(BOB.name, sms.code, challenge.state).code == "accept"


def test_a_version_that_keeps_its_data_differently_does_not_start_beside_the_old_one(
    smsotp_cluster: StartCluster, smsotp_http_gateway: HttpGateway, tmp_path: Path
) -> None:
    cluster = smsotp_cluster(smsotp_http_gateway.configuration(), nodes=1)
    later = environment(tmp_path / "2")
    change(later, "stores/redis/connect.py", r"^VERSION = (\d+)$", r"VERSION = 1\1")

    with pytest.raises(HarnessError, match=r"another smsotp-plugin has written .*another \[store\] prefix"):
        FreeRadiusServer(tmp_path / "new", config_toml=cluster.config_toml, smsotp=later).start()
    challenge = cluster.nodes[0].log_in(BOB.name, BOB.password)
    code = smsotp_http_gateway.inbox.wait(number=BOB.phone).code
    assert cluster.nodes[0].answer(BOB.name, code, challenge.state).code == "accept"
