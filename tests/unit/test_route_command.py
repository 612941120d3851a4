"""``smsotp route`` says of a number what a log-in would be told."""

from pathlib import Path

import pytest

from smsotp_plugin.commands.route import explain_route

CONFIG = """
[users]
default_region = "DE"
[gateways.sms]
provider = "http"
URL = "https://sms.example/send"
RETURN_SUCCESS = "OK"
[gateways.sms.options]
to = "{phone}"
text = "{otp}"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "smsotp.toml"
    path.write_text(CONFIG)
    return path


def test_a_number_that_can_be_read_in_two_ways_is_told_and_not_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain_route(config, "491701234567", "", "", "") == 1

    told = capsys.readouterr().err
    assert told.startswith(
        "smsotp: the number cannot be used: it can be read as a national number and with a"
    )
    assert "write it with a plus" in told
    assert "1701234567" not in told


def test_nothing_is_cut_off_where_there_is_little_room(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1")

    assert explain_route(config, "+491701234567", "", "", "") == 0
    assert "because   it has no conditions\n" in capsys.readouterr().out


def test_a_pasted_number_is_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_route(config, "\u202a(+49) 170\u00a01234567\u202c", "", "", "") == 0
    assert "+49 *** **67" in capsys.readouterr().out
