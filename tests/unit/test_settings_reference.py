import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from settings_reference import read_descriptions, write_settings_reference

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.providers import find_provider, list_provider_names
from smsotp_plugin.settings import load_settings
from smsotp_plugin.settings.sections import Settings

PAGE = Path(__file__).parents[2] / "docs/settings.md"


def test_the_page_says_what_the_models_say() -> None:
    remedy = "make it again: python scripts/settings_reference.py > docs/settings.md"

    assert PAGE.read_text(encoding="utf-8") == write_settings_reference(), remedy


@pytest.mark.parametrize("name", list_provider_names())
def test_every_key_of_a_provider_is_described(name: str) -> None:
    page = write_settings_reference()

    assert all(f"- `{key}` (" in page for key in find_provider(name).Settings.model_fields)


def test_every_section_is_described() -> None:
    page = write_settings_reference()
    models = [field.annotation for field in Settings.model_fields.values()]
    keys = [
        key
        for model in models
        if isinstance(model, type) and issubclass(model, SettingsModel)
        for key in model.model_fields
    ]

    assert [key for key in keys if f"- `{key}` (" not in page] == []


def test_a_range_on_the_page_is_the_one_that_is_accepted() -> None:
    assert [range_ for model in all_models() for range_ in wrong_ranges(model)] == []


def wrong_ranges(model: type[SettingsModel]) -> Iterator[str]:
    told = read_descriptions(model)
    for name, field in model.model_fields.items():
        bounds = [
            getattr(rule, bound) for bound in ("ge", "le") for rule in field.metadata if hasattr(rule, bound)
        ]
        for lowest, highest in re.findall(r"\b([0-9.]+) to ([0-9.]*[0-9])\b", told.get(name, "")):
            if bounds and [float(lowest), float(highest)] != bounds:
                yield f"{model.__name__}.{name}: {lowest} to {highest}"


def all_models(base: type[SettingsModel] = SettingsModel) -> Iterator[type[SettingsModel]]:
    """Yield every settings model of the package."""
    for name in list_provider_names():
        find_provider(name)
    for model in base.__subclasses__():
        if model.__module__.startswith("smsotp_plugin."):
            yield model
            yield from all_models(model)


def test_the_example_of_the_page_is_a_configuration(tmp_path: Path) -> None:
    example = write_settings_reference().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "smsotp.toml").write_text(example)

    assert list(load_settings(tmp_path / "smsotp.toml").gateways) == ["example"]
