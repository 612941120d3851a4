"""What each provider of the package has to have, held against what is there: a new one is found by itself."""

import inspect
import re
from pathlib import Path

import pytest

from smsotp_plugin.providers import SHARED, find_provider, list_provider_names
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.settings import find_warnings, load_settings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "smsotp_plugin"
#: A provider is a module or a folder.
NAMES = sorted(
    path.stem
    for path in (PACKAGE / "providers").glob("[a-z]*")
    if path.stem not in SHARED and (path.suffix == ".py" or (path / "__init__.py").is_file())
)
OTHER_MODULES = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "providers")]


def page_of(name: str) -> str:
    return (ROOT / "docs" / f"providers-{name}.md").read_text()


def examples_of(name: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", page_of(name), re.DOTALL | re.MULTILINE)


def test_every_module_and_folder_is_a_provider_of_its_name_and_nothing_else_is() -> None:
    assert {"http", "script", "sipgate", "smpp", "smtp"} <= set(NAMES)
    assert set(NAMES) == set(list_provider_names())


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_leaves_nothing_abstract(name: str) -> None:
    assert not inspect.isabstract(find_provider(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_has_settings_of_its_own(name: str) -> None:
    assert find_provider(name).Settings is not GatewaySettings


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_binds_the_contract(name: str) -> None:
    assert "from smsotp_conformance import" in (ROOT / "tests" / "contracts" / f"test_{name}.py").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_in_a_table_of_the_providers_page(name: str) -> None:
    cells = re.findall(r"^\| ([^|]*) \|", page_of(name), re.MULTILINE)
    described = set(re.findall(r"`(\w+)`", " ".join(cells)))

    parameters = {parameter for parameter in find_provider(name).Settings.model_fields if parameter.isupper()}
    assert parameters - described == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_the_page_is_accepted(name: str, tmp_path: Path) -> None:
    stand_in = tmp_path / "file"
    stand_in.write_text("secret\n")
    stand_in.chmod(0o755)
    config = tmp_path / "smsotp.toml"

    for example in examples_of(name):
        config.write_text(re.sub(r'"/etc/smsotp/[^"]*"', f'"{stand_in}"', example))
        settings = load_settings(config)
        assert settings.gateways
        assert all(isinstance(warning, str) for warning in find_warnings(settings, config))
    assert examples_of(name)


def test_no_other_module_imports_a_provider() -> None:
    imports = re.compile(rf"providers\.(?:{'|'.join(NAMES)})\b|providers import .*\b(?:{'|'.join(NAMES)})\b")

    assert [str(path) for path in OTHER_MODULES if imports.search(path.read_text())] == []


def test_no_other_module_asks_for_a_provider_by_its_name() -> None:
    asks = re.compile(
        rf"""provider\w*\s*(?:==|!=|in)\s*[(\["'].*\b(?:{"|".join(NAMES)})\b|find_provider\(["']"""
    )

    assert [str(path) for path in OTHER_MODULES if asks.search(path.read_text())] == []
