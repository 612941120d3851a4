"""The tables of an HTTP gateway, read from a folder."""

from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.settings import load_settings

GOOD = """
provider = "http"
URL = "https://gateway.example/send"
RETURN_SUCCESS = "OK"
options = { to = "{phone}", text = "{otp}" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str) -> HttpSettings:
    path = folder / "smsotp.toml"
    path.write_text(f"[gateways.g]\n{text}")
    path.chmod(0o600)
    gateway = load_settings(path).gateways["g"]
    assert isinstance(gateway, HttpSettings)
    return gateway


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [problem.partition("gateways.g")[2] for problem in caught.value.problems]
