"""What a configuration allows but its author probably does not mean."""

import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from smsotp_plugin.settings.problems import KeyPath, read_document, shown
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.sms.segments import LONGEST_ALONE, Coding, plan_segments

#: What some clients take for XML.
_MARKUP = re.compile(r"[<&]")
_TAG = re.compile(r"\{([A-Za-z_]{1,40})\}")
#: Tables of a gateway whose values go to the gateway as they are; keys and tokens stand there.
_FREE_TABLES = ("options", "headers", "PARAMETER")
#: A URL with a password in it.
_ACCOUNT_IN_URL = re.compile(r"[a-z]+://[^/@]*@")


def settings_warnings(settings: Settings, path: Path) -> list[str]:
    """
    Return what is allowed but probably not meant.

    Args:
        settings: As `load_settings` returned them.
        path: The file that they came from; it is read again, to see which secrets stand in it.

    Returns:
        Sentences of the same form as problems.

    Raises:
        ConfigError: The file cannot be read any more.
    """
    found = [*_text_warnings(settings), *_gateway_warnings(settings)]
    return [
        *_access_warnings(settings, path, read_document(path)),
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


def _access_warnings(settings: Settings, path: Path, document: dict[str, Any]) -> Iterator[str]:
    mode = path.stat().st_mode
    if mode & stat.S_IWOTH:
        yield f"{path}: everyone on this machine can write to it; type: chmod o-w {shlex.quote(str(path))}"
    secrets = list(_secrets(settings, document, ()))
    inside = [place for place, source in secrets if source is None]
    if inside and mode & stat.S_IROTH:
        yield (
            f"{path}: everyone on this machine can read it, and it holds secrets ({', '.join(inside)}); type: "
            f"chmod o-rwx {shlex.quote(str(path))}"
        )
    for place, source in secrets:
        if source and not source.is_absolute():
            yield f"{path}: {place}: {source} is no absolute path: FreeRADIUS runs in another directory"
        if source and _readable_by_all(source):
            yield (
                f"{path}: {place}: everyone on this machine can read {source}; type: chmod o-rwx "
                f"{shlex.quote(str(source))}"
            )


def _secrets(model: BaseModel, table: dict[str, Any], place: KeyPath) -> Iterator[tuple[str, Path | None]]:
    """Yield where secrets stand: the key path, and the file that it names or None where the secret itself is there."""
    for name, value in model:
        written, path = table.get(name), (*place, name)
        if isinstance(value, BaseModel) and isinstance(written, dict):
            yield from _secrets(value, written, path)
        elif isinstance(value, Mapping) and isinstance(written, dict) and name not in _FREE_TABLES:
            for key, item in value.items():
                if isinstance(item, BaseModel):
                    yield from _secrets(item, written[key], (*path, key))
        elif written and (isinstance(value, SecretStr) or name in _FREE_TABLES):
            yield from _written_secrets(written, path)
        elif isinstance(written, str) and _ACCOUNT_IN_URL.match(written):
            yield shown(path), None


def _written_secrets(written: Any, place: KeyPath) -> Iterator[tuple[str, Path | None]]:
    if isinstance(written, str) or (isinstance(written, dict) and place[-1] in _FREE_TABLES):
        yield shown(place), None
    elif isinstance(written, dict) and isinstance(written.get("file"), str):
        yield shown(place), Path(written["file"])


def _readable_by_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
