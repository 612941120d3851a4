"""
The sections of the configuration file as models; the gateways' stand beside their providers.

The docstrings are read twice: by developers here, by administrators in ``docs/settings.md``, which is made from them.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import phonenumbers
from pydantic import AfterValidator, Field, InstanceOf, StringConstraints, model_validator

from smsotp_plugin.fields.secret import SecretSetting, SettingsModel
from smsotp_plugin.fields.smtp_server import SmtpServer
from smsotp_plugin.providers.base import GatewaySettings
from smsotp_plugin.settings.sending import (
    DeliveryLogSettings,
    DispatchSettings,
    NotificationSettings,
    RouteSettings,
)

#: A RADIUS attribute holds no more (RFC 2865 section 5).
MESSAGE_BYTES = 253
#: The longest masked number: a country code of three digits.
_LONGEST_MASKED = "+999 *** **99"

_MOST_PLACES = 20
_LONGEST_TEXT = 1000
_FEWEST_CODES = 10_000
#: How likely a stranger may guess the code of one challenge with all its tries, at most.
_GUESSED_ONCE_IN = 1_000

_ALPHABET = re.compile(r"[0-9A-Za-z]{10,62}")
_ATTRIBUTE = re.compile(r"(?:request|control|reply):[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
#: RFC 5646 section 2.1, in outline.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def _check_printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters other than line breaks")
    return text


def _check_size(text: str) -> str:
    filled = (
        text.replace("{number}", _LONGEST_MASKED).replace("{reference}", "0" * 8).replace("{seconds}", "000")
    )
    size = len(filled.encode())
    if size > MESSAGE_BYTES:
        raise ValueError(
            f"must not be longer than {MESSAGE_BYTES} bytes of UTF-8 once the number is in it; it has {size}"
        )
    return text


def _check_not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty: clients show nothing, or no field for the code")
    return text


MessageSetting = Annotated[str, AfterValidator(_check_printable), AfterValidator(_check_size)]
PromptSetting = Annotated[MessageSetting, AfterValidator(_check_not_blank)]


def _check_alphabet(text: str) -> str:
    if not _ALPHABET.fullmatch(text) or len(set(text)) != len(text):
        raise ValueError("must hold at least 10 different digits or letters of ASCII, each only once")
    return text


def _check_text(text: str) -> str:
    if "{otp}" not in text:
        raise ValueError("must contain {otp}, the place of the code")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"must not have more than {_LONGEST_TEXT} characters")
    return _check_printable(text)


def _check_language(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        raise ValueError('must be named by languages, for example "de" or "pt-BR"')
    return language.lower()


TextSetting = Annotated[str, AfterValidator(_check_text)]
LanguageSetting = Annotated[str, AfterValidator(_check_language)]


class OtpSettings(SettingsModel):
    """
    The one-time passwords.

    Attributes:
        length: Characters of a code, 4 to 10.
        alphabet: What a code is made of: at least 10 different digits or letters of ASCII. Where it holds letters of
            one case only, people may type either. Blanks, hyphens and what nobody sees may stand between them, and digits
            may be of any script.
        ttl: Seconds that a code is good, 30 to 3600.
        max_attempts: How many answers to one challenge are looked at, 1 to 20. Together with `length` and `alphabet` it
            must leave a stranger at most one chance in 1000 to guess a code.
        text: The text of the SMS, with `{otp}` in the place of the code. It then takes the place of `{otp}` in a
            gateway's options, SUBJECT and BODY. Not set: `{otp}` there is the bare code, and gateways without such a
            template send a short English sentence.
        texts: The same in other languages, by what `control:SMSOTP-Language` holds, for example
            `texts.de = "{otp} ist Ihr Code"`. A text for `de` is also that for `de-AT` where this has none of its own.
    """

    length: Annotated[int, Field(strict=True, ge=4, le=10)] = 6
    alphabet: Annotated[str, AfterValidator(_check_alphabet)] = "0123456789"
    ttl: Annotated[int, Field(strict=True, ge=30, le=3600)] = 300
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=20)] = 5
    text: TextSetting | None = None
    texts: Mapping[LanguageSetting, TextSetting] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_guessing(self) -> Self:
        codes = len(self.alphabet) ** self.length
        if codes < max(_FEWEST_CODES, _GUESSED_ONCE_IN * self.max_attempts):
            raise ValueError(
                f"{self.max_attempts} tries for one of {codes} codes are too easy to guess: raise length or lower "
                "max_attempts"
            )
        return self


class OnWrongCode(StrEnum):
    """What a wrong code is answered with."""

    CHALLENGE = "challenge"
    REJECT = "reject"


class ChallengeSettings(SettingsModel):
    """
    What the person who logs in is shown, and how wrong answers are treated.

    In prompts `{number}` becomes the masked telephone number, for example `+49 *** **67`. There, and in the texts about
    an answer or an SMS, `{reference}` becomes the name of the log-in in the log and for `smsotp trace`, for the help desk.
    A text has at most 253 bytes of UTF-8. An empty text sends none; prompts cannot be empty.

    Attributes:
        prompt: Asks for the code.
        on_wrong_code: `challenge` asks again while tries are left, `reject` ends the log-in at the first wrong code.
        wrong_code_prompt: Asks again after a wrong code.
        wrong_code_text: Goes with the rejection of a wrong code where `on_wrong_code` is `reject`.
        too_many_attempts_text: Goes with the rejection when no try is left.
        expired_text: Goes with the rejection of a code that is too old or was used before.
        no_number_text: Goes with the rejection of somebody who has no telephone number that an SMS can be sent to.
        unavailable_text: Goes with the rejection when no SMS can be sent now.
        resend_after: Seconds, 0 to 300, in which the same log-in seen again (a repeated packet, a second RADIUS server
            on the same machine, an impatient person) gets the same challenge and no second SMS; and the pace of further SMS.
        resend_word: What a person types instead of the code to have it sent again, through the next gateway. Typing
            nothing does the same. It uses up no try.
        max_resends: How often that is done for one challenge, 0 to 10.
        resend_later_prompt: Asks again when that came too early. `{seconds}` becomes the seconds to wait.
        no_resend_prompt: Asks again when no further SMS is left.
        undelivered_text: Goes with the rejection of an answer when no gateway took the SMS.
    """

    prompt: PromptSetting = "Enter the code sent to {number}"
    on_wrong_code: OnWrongCode = OnWrongCode.CHALLENGE
    wrong_code_prompt: PromptSetting = "Wrong code. Enter the code sent to {number}"
    wrong_code_text: MessageSetting = "Wrong code. Log in again to get a new one."
    too_many_attempts_text: MessageSetting = "Too many wrong codes. Log in again to get a new one."
    expired_text: MessageSetting = "The code is no longer valid. Log in again to get a new one."
    no_number_text: MessageSetting = "No code can be sent to you. Ask your administrator."
    unavailable_text: MessageSetting = "No code can be sent at present. Try again later."
    resend_after: Annotated[int, Field(strict=True, ge=0, le=300)] = 30
    resend_word: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)] = (
        "resend"
    )
    max_resends: Annotated[int, Field(strict=True, ge=0, le=10)] = 2
    resend_later_prompt: PromptSetting = (
        "The code is on its way to {number}. A further SMS can be sent in {seconds} s. Enter the code"
    )
    no_resend_prompt: PromptSetting = "No further SMS can be sent. Enter the code sent to {number}"
    undelivered_text: MessageSetting = "The SMS with the code could not be delivered. Ask your administrator."


def _check_place(place: str) -> str:
    if not _ATTRIBUTE.fullmatch(place):
        raise ValueError('must be a list and an attribute, for example "control:SMSOTP-Phone"')
    return place


PlaceSetting = Annotated[str, AfterValidator(_check_place)]


def _check_places(places: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(places) <= _MOST_PLACES:
        raise ValueError(f"must be a list of 1 to {_MOST_PLACES} places")
    return places


def _check_region(region: str) -> str:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError('must be the ISO 3166 code of a country in capital letters, for example "DE"')
    return region


class UserSettings(SettingsModel):
    """
    What is known about the person who logs in.

    Attributes:
        number: Where the telephone number is looked for, in this order: a list (`request`, `control` or `reply`), a
            colon, and the name of an attribute. The first one that holds a usable number
            counts.
        default_region: ISO 3166 code of the country of numbers that are written without a plus. A number that can then be
            read in two ways, such as `491701234567` in Germany, is refused. Not set: all of them are, but for those that
            begin with `00`.
    """

    number: Annotated[tuple[PlaceSetting, ...], AfterValidator(_check_places)] = ("control:SMSOTP-Phone",)
    default_region: Annotated[str, AfterValidator(_check_region)] | None = None


_SQLITE = "sqlite:///"


def _check_store_url(url: str) -> str:
    if not url.startswith(_SQLITE):
        raise ValueError('must be "sqlite:///" and the absolute path of a file; there is no other store')
    name = url.rpartition("/")[2]
    if not name or name in {".", "..", ":memory:"} or _CONTROL.search(url) or "?" in url:
        raise ValueError('must name a file, for example "sqlite:///var/lib/smsotp/smsotp.db"')
    return url


class StoreSettings(SettingsModel):
    """
    Where challenges live between the two legs of a log-in.

    Attributes:
        url: `sqlite:///` and the absolute path of a file. Its directory must exist and belong to the user that FreeRADIUS
            runs as. Several servers of one machine may use the same file.
        key: What codes are derived from, at least 32 random characters. Not set: `key_file` holds it. With another one,
            pending codes are not accepted.
        key_file: Absolute path of the file with that key; made with a random one at the first start. Not set: the
            database's path with the ending `.key`.
    """

    url: Annotated[str, AfterValidator(_check_store_url)] = "sqlite:///var/lib/smsotp/smsotp.db"
    key: SecretSetting | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            raise ValueError("key and key_file exclude each other: remove one of them")
        if self.key is not None and len(self.key.get_secret_value()) < 32:
            raise ValueError("key must have at least 32 characters; make one with: openssl rand -hex 32")
        if not self.key_path.is_absolute():
            raise ValueError("key_file must be an absolute path")
        if self.key_path == self.database:
            raise ValueError("key_file must not be the database")
        return self

    @property
    def database(self) -> Path:
        """The SQLite file, as an absolute path."""
        return Path("/" + self.url.removeprefix(_SQLITE).lstrip("/"))

    @property
    def key_path(self) -> Path:
        """The file with the key where `key` is not set."""
        return self.key_file or self.database.with_suffix(".key")


class LogSettings(SettingsModel):
    """
    What is written to FreeRADIUS's log.

    Attributes:
        level: `info`, or `debug` for every step of every log-in. Neither shows codes, passwords or whole numbers; a
            User-Name that reads as a code or a number is masked.
    """

    level: Literal["info", "debug"] = "info"


class Settings(SettingsModel):
    """
    The whole configuration.

    Attributes:
        otp: The one-time passwords.
        challenge: What the person who logs in is shown.
        users: What is known about that person.
        store: Where challenges live.
        dispatch: How messages get to the gateways.
        delivery_log: What is kept about each message.
        log: What is written to the log.
        smtp_servers: The mail servers by name, for gateways of the provider smtp.
        gateways: The gateways by name, in the file's order; at least one.
        routes: Which gateways for which messages; empty: all of them, in the file's order.
        notifications: Plain messages by name.
    """

    otp: OtpSettings
    challenge: ChallengeSettings
    users: UserSettings
    store: StoreSettings
    dispatch: DispatchSettings
    delivery_log: DeliveryLogSettings
    log: LogSettings
    smtp_servers: Mapping[str, InstanceOf[SmtpServer]]
    gateways: Mapping[str, InstanceOf[GatewaySettings]]
    routes: tuple[RouteSettings, ...] = ()
    notifications: Mapping[str, NotificationSettings]
