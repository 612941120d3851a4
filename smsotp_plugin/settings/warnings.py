"""What a configuration allows but its author probably does not mean."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smsotp_plugin.settings.problems import read_document, shown
from smsotp_plugin.settings.rights import Owners, rights_warnings
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.sms.segments import LONGEST_ALONE, Coding, plan_segments

#: What some clients take for XML.
_MARKUP = re.compile(r"[<&]")
_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")


def settings_warnings(settings: Settings, path: Path, owners: Owners | None = None) -> list[str]:
    """
    Return what is allowed but probably not meant.

    Args:
        settings: As `load_settings` returned them.
        path: The file that they came from; it is read again, to see which secrets stand in it.
        owners: Whose the store's files may be; None takes the owner of its directory for the server's user.

    Returns:
        Sentences of the same form as problems.

    Raises:
        ConfigError: The file cannot be read any more.
    """
    found = [*_text_warnings(settings), *_gateway_warnings(settings)]
    return [
        *rights_warnings(settings, path, read_document(path), owners),
        *(f"{path}: {warning}" for warning in found),
    ]


def _text_warnings(settings: Settings) -> Iterator[str]:
    for name in ("prompt", "wrong_code_prompt"):
        text: str = getattr(settings.challenge, name)
        if "code" not in text.casefold():
            yield (
                f'challenge.{name}: it does not contain the word "code": some clients need it to know that a code is '
                "asked for"
            )
    for name, value in settings.challenge:
        if isinstance(value, str) and _MARKUP.search(value):
            yield f"challenge.{name}: ocserv shows neither & nor what stands between < and >; write it without them"
        yield from _tag_warnings(f"challenge.{name}", value, *_tags(name))
    texts = {f"otp.texts.{language}": text for language, text in settings.otp.texts.items()}
    if settings.otp.text is not None:
        texts["otp.text"] = settings.otp.text
    for place, text in texts.items():
        yield from _tag_warnings(place, text, "otp")
        yield from _length_warnings(place, text, settings.otp.length)


def _tags(text_name: str) -> tuple[str, ...]:
    """Return the tags that are filled in a text of ``[challenge]``."""
    match text_name:
        case "resend_later_prompt":
            return "number", "reference", "seconds"
        case "no_number_text" | "unavailable_text":
            return ()
        case _ if text_name.endswith("prompt"):
            return "number", "reference"
        case _:
            return ("reference",)


def _tag_warnings(place: str, text: Any, *known: str) -> Iterator[str]:
    for tag in _TAG.findall(text) if isinstance(text, str) else ():
        if tag not in known:
            meant = ", ".join(f"{{{name}}}" for name in known) or "none"
            yield f"{place}: {{{tag}}} has no meaning here and is shown as it is; there is {meant}"


def _length_warnings(place: str, text: str, code_length: int) -> Iterator[str]:
    filled = text.replace("{otp}", "0" * code_length)
    plan = plan_segments(filled)
    if plan.count > 1:
        alphabet = (
            "of the GSM alphabet"
            if plan.coding is Coding.GSM7
            else "as soon as one is not of the GSM alphabet"
        )
        yield (
            f"{place}: each code costs {plan.count} SMS, for {len(filled)} characters: one SMS holds "
            f"{LONGEST_ALONE[plan.coding]} {alphabet}"
        )


def _gateway_warnings(settings: Settings) -> Iterator[str]:
    for section, tables in (("smtp_servers", settings.smtp_servers), ("gateways", settings.gateways)):
        for name, table in tables.items():
            for warning in table.warnings():
                yield f"{shown((section, name))}.{warning}"
