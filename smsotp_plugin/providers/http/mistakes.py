"""
Finds mistakes in an HTTP gateway's settings that lie in a combination of values, each of which is fine by itself.

Looks at the table as it stands in the file, so that all mistakes are reported at once, each at its own key.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from smsotp_plugin.fields.yes_no import read_yes_no
from smsotp_plugin.providers.http.apis import APIS
from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.parameters import fits_a_form

Place = tuple[str | None, str]

_ONLY_IN_JSON = 'is a table or a list of lists: only JSON can hold it; set SEND_DATA_AS_JSON = "yes" and HTTP_METHOD = "POST"'


def find_mistakes(data: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """
    Yield where something is wrong (table or None, key), and what.

    Args:
        data: A gateway's table as it stands in the file, without parameters that are empty.
    """
    options, parameter, headers = (
        value if isinstance(value := data.get(name), dict) else {}
        for name in ("options", "PARAMETER", "headers")
    )
    for table, names in (("options", options), ("PARAMETER", parameter)):
        for name in names:
            if name in data and name.isupper():
                yield (
                    (table, name),
                    f"has the same name as the parameter {name}, which is filled: empty one of them",
                )
    for name in options:
        if name in parameter:
            yield ("options", name), "stands in PARAMETER too: write it in one place"
    yield from _find_form_mistakes(data, {"options": options, "PARAMETER": parameter})
    yield from _find_credential_mistakes(data, headers)
    preset = APIS.get(data["preset"]) if isinstance(data.get("preset"), str) else None
    if preset:
        yield from _find_preset_mistakes(preset, data, options)
    elif "URL" not in data and "preset" not in data:
        yield (None, "URL"), "URL is missing: write the address of the gateway, or choose a preset"


def _find_form_mistakes(data: dict[str, Any], tables: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    preset = APIS.get(str(data.get("preset")))
    method = data.get("HTTP_METHOD") or (preset.method if preset else "GET")
    if read_yes_no(data.get("SEND_DATA_AS_JSON")) is True and str(method).upper() == "POST":
        return
    for table, fields in tables.items():
        for name, value in fields.items():
            secret = isinstance(value, dict) and set(value) in ({"file"}, {"env"})
            if not secret and not fits_a_form(value):
                yield (table, name), _ONLY_IN_JSON


def _find_credential_mistakes(data: dict[str, Any], headers: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    in_url = False
    if isinstance(data.get("URL"), str):
        with suppress(ValueError):
            in_url = urlsplit(data["URL"]).username is not None
    if in_url and "USERNAME" in data:
        yield (
            (None, "USERNAME"),
            "is filled, and URL holds a user name too: write the credentials in one place",
        )
    elif "USERNAME" in data and "PASSWORD" not in data:
        yield (
            (None, "USERNAME"),
            'is filled and PASSWORD is not: fill it, or write PASSWORD = "" for an empty one',
        )
    for name in headers:
        if name.lower() == "authorization" and (in_url or "USERNAME" in data):
            yield ("headers", name), "must not be set beside USERNAME and PASSWORD, which become this header"


def _find_preset_mistakes(
    preset: HttpApi, data: dict[str, Any], options: dict[str, Any]
) -> Iterator[tuple[Place, str]]:
    in_options = preset.credentials is not None and set(preset.credentials) <= set(options)
    missing = [] if "USERNAME" in data or in_options else ["USERNAME and PASSWORD"]
    for name, meaning in preset.required.items():
        if name not in options and not (name == "From" and "MessagingServiceSid" in options):
            missing.append(f"options.{name} ({meaning})")
    if missing:
        yield (None, "preset"), f"has to be completed: write {' and '.join(missing)}"
