"""
What is wrong with the configuration file, as sentences.

A sentence is ``key.path: what is wrong and what to do``. It never repeats a value from the file, which may be a password
in the wrong place.
"""

import difflib
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.settings.document import KeyPath, write_path

#: What a number or the like is called if the file has a text instead, and if it has something else.
_KINDS = {
    "int": ("a number", "a valid integer"),
    "float": ("a number", "a valid number"),
    "decimal": ("a number", "a valid number"),
    "bool": ("true or false", "true or false"),
}
#: How pydantic's names for these problems end.
_OTHER_KIND = ("type", "parsing", "parsing_size", "from_float")
#: Problems that only follow from another one of the same table.
_FOLLOWS = ("default_factory_not_called",)


def write_sentences(
    error: ValidationError, model: type[SettingsModel], value: dict[str, Any], place: KeyPath
) -> list[str]:
    """Turn pydantic's findings into sentences; several about one key (a choice of types) become one. No input is repeated."""
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=True, include_input=True):
        if detail["type"] in _FOLLOWS:
            continue
        path = _find_path_in_file(detail, value)
        said = found.setdefault(write_path((*place, *path)), [])
        text = explain_unknown_key(path[-1], model) if detail["type"] == "extra_forbidden" else _tell(detail)
        if text not in said:
            said.append(text)
    return [f"{path}: {', or '.join(texts)}" for path, texts in found.items()]


def _find_path_in_file(detail: ErrorDetails, value: Any) -> KeyPath:
    """Return the keys that are in the file; pydantic puts names of its own types between them."""
    path: list[str] = []
    for part in detail["loc"]:
        if isinstance(value, list):
            value = dict(enumerate(value))
        if isinstance(value, dict) and part in value:
            value = value[part]
            path.append(str(part))
    if detail["type"] == "missing":
        path.append(str(detail["loc"][-1]))
    return tuple(path)


def _tell(detail: ErrorDetails) -> str:
    kind = detail["type"]
    name, _, what = kind.partition("_")
    match kind:
        case "missing":
            return "it is missing"
        case _ if name in _KINDS and what in _OTHER_KIND:
            if_text, otherwise = _KINDS[name]
            is_text = isinstance(detail["input"], str)
            text = (
                f"must be {if_text}, written without quotation marks" if is_text else f"must be {otherwise}"
            )
        case "value_error":
            text = str(detail["ctx"]["error"])
        case "dict_type" | "mapping_type":
            text = "must be a table, written { name = ... }"
        case "path_type":
            text = "must be a path in quotation marks"
        case "too_short" | "too_long":
            # Only the first word is pydantic's name of a type: "Tuple should have at least 1 item after validation, not 0".
            text = "it should " + detail["msg"].partition(" should ")[2].partition(" after ")[0]
        case _:
            text = detail["msg"].replace("Input should be", "must be", 1).replace("a valid string", "a text")
            text = text.replace("a valid tuple", "a list", 1).replace("String should", "must", 1)
    return f"it {text}" if text.startswith(("must ", "is ", "has ", "does ")) else text


def explain_unknown_key(key: str, model: type[SettingsModel]) -> str:
    near = difflib.get_close_matches(key, model.model_fields, n=1)
    if not near:
        near = [name for name in model.model_fields if name.casefold() == key.casefold()]
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(model.model_fields)}"
    return f"there is no such key here; {hint}"
