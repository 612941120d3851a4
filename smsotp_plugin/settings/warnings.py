"""What a configuration may say, but its author probably does not mean."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import phonenumbers
from pydantic import BaseModel, SecretStr

from smsotp_plugin.fields.secret import find_oddity
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.fields.template import Template
from smsotp_plugin.providers import find_provider, list_provider_names
from smsotp_plugin.settings.document import KeyPath, read_document, write_path
from smsotp_plugin.settings.rights import FREE_TABLES, Owners, find_rights_warnings
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.notifications import NotificationSettings
from smsotp_plugin.settings.sections.routes import RouteSettings
from smsotp_plugin.sms.segments import LONGEST_ALONE, Coding, plan_segments

#: What some clients take for XML.
_MARKUP = re.compile(r"[<&]")
#: Settings whose names are usual for a gateway's own parameters as well.
_GATEWAYS_OWN_WORDS = frozenset({"text", "number", "key", "url", "name", "username", "password"})
#: Seconds; an SMS often takes longer than a code with a shorter life.
_SHORT_LIFE = 60
#: NIST SP 800-63B-4 section 3.1.3.2: seconds, and the codes that six decimal digits make.
_STANDARD_LIFE, _STANDARD_CODES = 600, 10**6


def find_warnings(settings: Settings, path: Path, owners: Owners | None = None) -> list[str]:
    """
    Return what is allowed but probably not meant.

    Args:
        settings: As `load_settings` returned them.
        path: The file that they came from; it is read again, to see which secrets are in it.
        owners: Who may own the store's files; None takes the owner of its directory for the server's user.

    Returns:
        Sentences of the same form as problems.

    Raises:
        ConfigError: The file cannot be read any more.
    """
    found = [
        *_find_text_warnings(settings),
        *_find_time_warnings(settings),
        *_find_departures(settings),
        *_find_route_warnings(settings),
        *_find_gateway_warnings(settings),
        *_find_odd_secrets(settings, ()),
    ]
    return [
        *find_rights_warnings(settings, path, read_document(path), owners),
        *(f"{path}: {warning}" for warning in found),
    ]


def _find_text_warnings(settings: Settings) -> Iterator[str]:
    for name in ("prompt", "wrong_code_prompt"):
        text: Template = getattr(settings.challenge, name)
        if "code" not in text.source.casefold():
            yield (
                f'challenge.{name}: it does not contain the word "code": some clients need it to know that a code is '
                "asked for"
            )
    for name, value in settings.challenge:
        if not isinstance(value, Template):
            continue
        if _MARKUP.search(value.source):
            yield f"challenge.{name}: ocserv shows neither & nor anything between < and >; write it without them"
        yield from (f"challenge.{name}: {problem}" for problem in value.explain_unknown())
    texts = {f"otp.texts.{language}": text for language, text in settings.otp.texts.items()}
    if settings.otp.text is not None:
        texts["otp.text"] = settings.otp.text
    for place, text in texts.items():
        yield from (f"{place}: {problem}" for problem in text.explain_unknown())
        yield from _find_length_warnings(place, text, settings.otp.length)


def _find_length_warnings(place: str, text: Template, code_length: int) -> Iterator[str]:
    filled = text.fill(otp="0" * code_length)
    plan = plan_segments(filled)
    if plan.count > 1:
        alphabet = (
            "of the GSM alphabet"
            if plan.coding is Coding.GSM7
            else "if one of them is not in the GSM alphabet"
        )
        yield (
            f"{place}: each code costs {plan.count} SMS, for {len(filled)} characters: one SMS holds "
            f"{LONGEST_ALONE[plan.coding]} {alphabet}"
        )


def _find_time_warnings(settings: Settings) -> Iterator[str]:
    if settings.otp.ttl < _SHORT_LIFE:
        yield (
            f"otp.ttl: {settings.otp.ttl} s is short: an SMS may take longer, and its reader needs time too; "
            f"{_SHORT_LIFE} s or more are usual"
        )


def _find_departures(settings: Settings) -> Iterator[str]:
    """Yield where codes are weaker than the standard wants."""
    otp = settings.otp
    if otp.ttl > _STANDARD_LIFE:
        yield f"otp.ttl: {otp.ttl} s is long: NIST SP 800-63B-4 allows {_STANDARD_LIFE} s"
    if (codes := len(otp.alphabet) ** otp.length) < _STANDARD_CODES:
        yield f"otp.length: {codes} different codes are few: NIST SP 800-63B-4 wants as many as six decimal digits make"


def _find_route_warnings(settings: Settings) -> Iterator[str]:
    for place, route in enumerate(settings.routes, 1):
        for before, earlier in enumerate(settings.routes[: place - 1], 1):
            if _takes_all_of(earlier, route):
                yield f"routes.{place}: it is never used: routes.{before}, which comes before it, takes all that it would take"
                break
    region = settings.users.default_region
    if region is None or not settings.routes:
        return
    country = f"+{phonenumbers.country_code_for_region(region)}"
    prefixes = [prefix for route in settings.routes for prefix in route.numbers or ("+",)]
    if not any(prefix.startswith(country) or country.startswith(prefix) for prefix in prefixes):
        yield (
            f"routes: none takes numbers of users.default_region, {region} ({country}): nobody with such a number gets a "
            "code; add a route without `numbers`"
        )


def _takes_all_of(earlier: RouteSettings, later: RouteSettings) -> bool:
    """Tell whether of two routes the earlier one is chosen wherever the later one fits."""
    both = ((each.numbers, each.realms, each.languages) for each in (earlier, later))
    return all(
        bool(first) == bool(second) and set(second) <= set(first) for first, second in zip(*both, strict=True)
    )


def _find_odd_secrets(value: Any, place: KeyPath) -> Iterator[str]:
    match value:
        case SecretStr():
            if oddity := find_oddity(value.get_secret_value()):
                yield f"{write_path(place)}: the secret {oddity}: is that meant?"
        case BaseModel():
            for name, each in value:
                # A gateway's mail server has a table of its own.
                if not isinstance(each, SmtpServer):
                    yield from _find_odd_secrets(each, (*place, name))
        case Mapping():
            for name, each in value.items():
                yield from _find_odd_secrets(each, (*place, str(name)))
        case tuple():
            for each in value:
                yield from _find_odd_secrets(each, place)


def _find_gateway_warnings(settings: Settings) -> Iterator[str]:
    yield from (f"store.{warning}" for warning in settings.store.warnings())
    yield from (f"queue.{warning}" for warning in settings.queue.warnings())
    for section, tables in (("smtp_servers", settings.smtp_servers), ("gateways", settings.gateways)):
        for name, table in tables.items():
            for warning in table.warnings():
                yield f"{write_path((section, name))}.{warning}"
    for name, table in settings.gateways.items():
        places = (
            ("gateways", name, free, key)
            for free in FREE_TABLES
            if isinstance(keys := getattr(table, free, None), Mapping)
            for key in keys
        )
        for place in places:
            if place[-1] in _list_setting_names():
                yield (
                    f"{write_path(place)}: it is sent to the gateway as a parameter of its own. If the setting of this name is meant, "
                    f"it belongs in its own table: everything below a line such as [{write_path(place[:-1])}] belongs to that table"
                )


@cache
def _list_setting_names() -> frozenset[str]:
    """Return the names of settings that no gateway calls its own parameters."""
    models = (
        *(field.annotation for field in Settings.model_fields.values()),
        NotificationSettings,
        RouteSettings,
    )
    names = {
        name
        for model in models
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name in model.model_fields
    }
    gateways = {
        name for provider in list_provider_names() for name in find_provider(provider).Settings.model_fields
    }
    return frozenset((names - _GATEWAYS_OWN_WORDS) | gateways)
