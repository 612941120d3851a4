"""Whatever stands in the file: settings come out, or problems without secrets; never another exception."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers import find_provider, list_provider_names
from smsotp_plugin.settings import find_warnings, load_settings
from smsotp_plugin.settings.sections import Settings

SECRET = "Vq7-hunter2-zX"

SECTIONS: dict[str, type[SettingsModel]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsModel)
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "smsotp.toml"


def judge(file: Path, content: bytes) -> str:
    """Return everything that is said about a file."""
    file.write_bytes(content)
    try:
        settings = load_settings(file)
    except ConfigError as exc:
        return str(exc)
    return "\n".join(find_warnings(settings, file))


def toml(value: Any) -> str:
    """Write a value as TOML does inside a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def document(value: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(key)} = {toml(item)}\n" for key, item in value.items()).encode()


text = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.one_of(text, st.integers(-(2**62), 2**62), st.floats(), st.booleans(), st.just("{otp}"))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


def tables(model: type[SettingsModel], items: st.SearchStrategy[Any], **fixed: str) -> st.SearchStrategy[Any]:
    keys = [name for name in model.model_fields if name not in fixed]
    return st.dictionaries(st.sampled_from(keys) | text, items, max_size=8).map(
        lambda table: {**table, **fixed}
    )


def documents(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    gateways = st.sampled_from(list_provider_names()).flatmap(
        lambda name: tables(find_provider(name).Settings, items, provider=name)
    )
    return st.fixed_dictionaries(
        {"gateways": st.dictionaries(st.sampled_from(["a", "b"]), gateways, max_size=2)},
        optional={
            "smtp_servers": st.dictionaries(st.just("mail"), tables(SmtpServer, items)),
            **{name: tables(model, items) for name, model in SECTIONS.items()},
        },
    )


def list_models() -> list[type[SettingsModel]]:
    gateways = [find_provider(name).Settings for name in list_provider_names()]
    return [*SECTIONS.values(), SmtpServer, *gateways]


def find_places(model: type[SettingsModel], name: str, value: Any) -> set[Any]:
    """Return the keys that have a problem where one key has a value, and the others none."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate({name: value, "": ""})
    return {error["loc"][0] for error in caught.value.errors() if error["loc"]}


@pytest.mark.parametrize("model", list_models())
@pytest.mark.parametrize("value", [True, False, [True], [False]])
def test_true_and_false_are_no_numbers(model: type[SettingsModel], value: object) -> None:
    taken = [
        name
        for name, field in model.model_fields.items()
        if "bool" not in repr(field.annotation) and name not in find_places(model, name, value)
    ]

    assert taken == []


@pytest.mark.parametrize("model", list_models())
@pytest.mark.parametrize("value", [0, 1, 1.0])
def test_numbers_are_not_true_or_false(model: type[SettingsModel], value: object) -> None:
    switches = {name for name, field in model.model_fields.items() if "bool" in repr(field.annotation)}

    assert {name for name in switches if name not in find_places(model, name, value)} == set()


@given(content=st.binary(max_size=300))
def test_any_bytes_are_settings_or_problems(file: Path, content: bytes) -> None:
    judge(file, content)


@given(value=st.dictionaries(text, values, max_size=4))
def test_any_toml_is_settings_or_problems(file: Path, value: dict[str, Any]) -> None:
    judge(file, document(value))


@given(value=documents(values))
def test_any_values_of_known_keys_are_settings_or_problems(file: Path, value: dict[str, Any]) -> None:
    judge(file, document(value))


planted = st.sampled_from(
    [SECRET, [SECRET], {"a": SECRET}, {"file": 1, "x": SECRET}, 7, "https://example.com"]
)


@given(value=documents(planted))
def test_no_secret_is_repeated_wherever_it_stands(file: Path, value: dict[str, Any]) -> None:
    assert SECRET not in judge(file, document(value))
