"""Every example of the page on HTTP gateways is a configuration that works."""

import re
from pathlib import Path

import pytest

from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "providers-http.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
TABLE = re.search(r"\n\| parameter .*?\n\n", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_accepted(example: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    config = tmp_path / "smsotp.toml"
    config.write_text(re.sub(r'"/etc/smsotp/[^"]*"', f'"{tmp_path}/secret"', example))

    assert load_settings(config).gateways


def test_every_parameter_has_a_row() -> None:
    assert TABLE is not None
    described = set(
        re.findall(r"`([A-Za-z_]+)`", "".join(row.split("|")[1] for row in TABLE[0].splitlines() if row))
    )

    assert described == set(HttpSettings.model_fields) - {"provider", "options", "headers"}
