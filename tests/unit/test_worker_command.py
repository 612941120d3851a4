"""``smsotp worker``: which configurations it takes, and the unit that it prints."""

from configparser import ConfigParser
from pathlib import Path

import pytest
from typer import BadParameter

from smsotp_plugin import worker
from smsotp_plugin.cli import app
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import load_settings

REDIS = '[store]\nurl = "redis://127.0.0.1:1/0"\nkey = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"\n'
GATEWAY = '[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n'
WORKERS = '[queue]\nmode = "workers"\n'


def write(directory: Path, *sections: str) -> Path:
    path = directory / "smsotp.toml"
    path.write_text("".join((*sections, GATEWAY)))
    return path


def test_a_configuration_for_workers_needs_a_store_in_redis(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, WORKERS))

    (problem,) = caught.value.problems
    assert 'queue.mode: "workers" needs a store in Redis' in problem


def test_no_log_in_waits_for_another_process(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, REDIS, WORKERS, "[dispatch]\nwait = 1\n"))

    (problem,) = caught.value.problems
    assert "dispatch.wait: " in problem


def test_a_worker_refuses_a_configuration_with_which_the_server_sends(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"queue\.mode: it is \"process\""):
        worker.read_settings(write(tmp_path, REDIS))


def test_a_worker_takes_a_configuration_for_workers(tmp_path: Path) -> None:
    assert worker.read_settings(write(tmp_path, REDIS, WORKERS)).store.has_queue


def test_the_unit_starts_this_command_with_this_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "of us" / "100%.toml"
    app(["worker", "--unit", "--config", str(config), "--user", "radius"], standalone_mode=False)
    unit = ConfigParser(interpolation=None, comment_prefixes=("#",))
    unit.read_string(capsys.readouterr().out)

    assert unit["Service"]["User"] == "radius"
    assert unit["Service"]["ExecStart"].endswith(f'/smsotp worker --config "{tmp_path}/of us/100%%.toml"')
    assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("name", ["", "a b", "a\nExecStartPre=/bin/true", "\udcff", "-x"])
def test_the_unit_is_for_a_user_that_there_can_be(name: str) -> None:
    with pytest.raises(BadParameter, match="cannot be the name of a user of this machine"):
        app(["worker", "--unit", "--user", name], standalone_mode=False)
