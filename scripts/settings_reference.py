"""
Makes ``docs/settings.md`` out of the settings models, so that the page cannot differ from them.

::

    python scripts/settings_reference.py > docs/settings.md
"""

import inspect
import json
import re
import sys
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.fields.template import Template
from smsotp_plugin.fields.web import WebAddress
from smsotp_plugin.providers import find_provider, list_provider_names
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.notifications import NotificationSettings
from smsotp_plugin.settings.sections.routes import RouteSettings
from smsotp_plugin.stores.kind import StoreKind
from smsotp_plugin.stores.schemes import SCHEMES

_INTRODUCTION = """\
# Settings

<!-- Made from the source by: python scripts/settings_reference.py > docs/settings.md -->

The whole configuration is one file in [TOML](https://toml.io), in UTF-8, by default `/etc/smsotp/smsotp.toml`.
FreeRADIUS reads it once, at its start, and does not start if anything is wrong with it. `smsotp check` reports the
same beforehand: every problem at once, each with the key that it is about. It checks only this file, with the rights of
whoever runs it: run as root, it does not notice that FreeRADIUS's user may not read a secret, run a `SCRIPT` or write to
the store's directory. `smsotp freeradius check` notices that, and checks everything else that a start needs
([Install](install.md)). Only if there are [workers](workers.md) does `smsotp check` do more: it asks the store how many
are alive.

Only a gateway is required:

```toml
[gateways.example]
provider = "http"
URL = "https://sms.example.com/send"
RETURN_SUCCESS = "OK"

[gateways.example.options]
to = "{phone}"
text = "{otp}"
```

A password or key may be written in three ways: as a text, as `{ file = "/path" }` (the contents of the file, without
the line break at its end), or as `{ env = "NAME" }` (an environment variable of FreeRADIUS).
"""

_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def write_settings_reference() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for name, field in Settings.model_fields.items():
        if name == "store":
            parts += [
                _write_section(f'[store] with url = "{_first_scheme(kind)}://..."', kind.Settings)
                for kind in dict.fromkeys(SCHEMES.values())
            ]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, SettingsModel):
            parts.append(_write_section(f"[{name}]", field.annotation))
    parts.append(_write_section("[[routes]]", RouteSettings))
    parts.append(_write_section("[notifications.NAME]", NotificationSettings))
    parts.append(_write_section("[smtp_servers.NAME]", SmtpServer))
    parts.append(_write_section("[gateways.NAME]", GatewaySettings))
    for name in list_provider_names():
        provider = find_provider(name)
        # Providers of third parties that are installed here do not belong on our page.
        if provider.__module__.startswith("smsotp_plugin."):
            common = GatewaySettings.model_fields
            parts.append(
                _write_section(f'[gateways.NAME] with provider = "{name}"', provider.Settings, without=common)
            )
    return "\n".join(parts)


def _first_scheme(kind: StoreKind[Any]) -> str:
    return next(scheme for scheme, each in SCHEMES.items() if each is kind)


def _write_section(
    title: str, model: type[SettingsModel], without: dict[str, FieldInfo] | None = None
) -> str:
    told = read_descriptions(model)
    hidden = without or {}
    lines = [
        _write_line(name, field, told[name])
        for name, field in model.model_fields.items()
        if name not in hidden or _write_default(field) != _write_default(hidden[name])
    ]
    return f"## `{title}`\n\n{_write_introduction(model)}\n\n" + "".join(lines)


def _write_introduction(model: type[SettingsModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("Attributes:")[0].strip().replace("``", "`")


def read_descriptions(model: type[SettingsModel]) -> dict[str, str]:
    """Return what the docstrings say about each key; a model's own text takes precedence over those of its bases."""
    told: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        attributes = inspect.cleandoc(ancestor.__doc__ or "").partition("Attributes:\n")[2]
        told |= {name: " ".join(text.split()).replace("``", "`") for name, text in _ENTRY.findall(attributes)}
    return told


def _write_line(name: str, field: FieldInfo, told: str) -> str:
    return f"- `{name}` ({_write_default(field)}): {told}\n"


def _write_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "not set" if field.default_factory in (dict, list) else "default: depends"
    if field.default is None or field.default in ("", {}) or isinstance(field.default, SecretStr):
        return "not set"
    return f"default: `{_write_value(field.default)}`"


def _write_value(value: Any) -> str:
    match value:
        case Template():
            return json.dumps(value.source, ensure_ascii=False)
        case WebAddress():
            return json.dumps(f"{value.scheme}://{value.host}{value.target}")
        case Quota() | Enum():
            return json.dumps(str(value))
        case tuple() | list():
            return f"[{', '.join(map(_write_value, value))}]"
        case frozenset() | set():
            return _write_value(sorted(value))
        case _:
            return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(write_settings_reference())
