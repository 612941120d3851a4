"""The section ``[otp]``."""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.template import Tags, Template
from smsotp_plugin.fields.text import check_printable
from smsotp_plugin.grammar import agree

_LONGEST_TEXT = 1000
_FEWEST_CODES = 10_000
#: How likely a stranger may guess the code of one challenge with all its tries, at most.
_GUESSED_ONCE_IN = 1_000

_ALPHABET = re.compile(r"[0-9A-Za-z]{10,62}")
#: RFC 5646 section 2.1, in outline.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def _check_alphabet(text: str) -> str:
    if not _ALPHABET.fullmatch(text) or len(set(text)) != len(text):
        raise ValueError("must hold at least 10 different digits or letters of ASCII, each only once")
    return text


def _check_text(text: Template) -> Template:
    if "otp" not in text.tags:
        raise ValueError("must contain {otp}, the place of the code")
    if len(text.source) > _LONGEST_TEXT:
        raise ValueError(f"must not have more than {_LONGEST_TEXT} characters")
    check_printable(text.source)
    return text


def _check_language(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        raise ValueError('must be named by languages, for example "de" or "pt-BR"')
    return language.lower()


SMS_TAGS = Tags({"otp": "0" * 10})
TextSetting = Annotated[Template, PlainValidator(SMS_TAGS.read), AfterValidator(_check_text)]
LanguageSetting = Annotated[str, AfterValidator(_check_language)]


class OtpSettings(SettingsModel):
    """
    The one-time passwords.

    Attributes:
        length: Characters of a code, 4 to 10.
        alphabet: Characters that codes are made of: at least 10 different ASCII digits or letters. If all its letters
            are of the same case, people may type either case. Spaces, hyphens and invisible characters in between do
            not matter, and digits may be of any script.
        ttl: Seconds that a code is valid, 30 to 3600.
        max_attempts: How many answers to one challenge are checked, 1 to 20. Together with `length` and `alphabet`,
            it must give a stranger at most one chance in 1000 of guessing a code.
        text: The text of the SMS, with `{otp}` for the code. The whole text then replaces `{otp}` in a gateway's
            options, SUBJECT and BODY. Not set: `{otp}` there is only the code, and gateways without such a template
            send a short English sentence.
        texts: The same in other languages, chosen by the value of `control:SMSOTP-Language`, for example
            `texts.de = "{otp} ist Ihr Code"`. A text for `de` is also used for `de-AT` if `de-AT` has no text of its
            own.
    """

    length: Annotated[int, Field(strict=True, ge=4, le=10)] = 6
    alphabet: Annotated[str, AfterValidator(_check_alphabet)] = "0123456789"
    ttl: Annotated[int, Field(strict=True, ge=30, le=3600)] = 300
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=20)] = 5
    text: TextSetting | None = None
    texts: Mapping[LanguageSetting, TextSetting] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_guessing(self) -> Self:
        if self.codes < max(_FEWEST_CODES, _GUESSED_ONCE_IN * self.max_attempts):
            raise ValueError(
                f"{self.max_attempts} {agree(self.max_attempts, 'try', 'tries')} for one of {self.codes} "
                f"{agree(self.max_attempts, 'codes is too easy to guess', 'codes are too easy to guess')}: raise length or lower "
                "max_attempts"
            )
        return self

    @property
    def codes(self) -> int:
        """How many different codes there are."""
        codes: int = len(self.alphabet) ** self.length
        return codes
