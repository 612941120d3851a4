"""A message that is kept cannot be read, moved to another log-in, made to live longer, or opened with another key."""

import secrets
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.codes.keyed import derive_message_key
from smsotp_plugin.errors import CannotUnseal
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.sms.sealed import Letter, MessageSealer

KEY = derive_message_key(b"k" * 32)
MESSAGE = Message(
    reference="1a2b3c4d",
    user="j\u00fcrgen \U0001f600",
    number=parse_number("+491701234567", None),
    otp=SecretStr("734921"),
    sentence=SecretStr("734921 is your code"),
    expires=1_000_300.0,
    state="5" * 32,
    login="6" * 32,
    resends=0,
    code=SecretStr("734921"),
)
LETTER = Letter(MESSAGE, "default", ("first", "second"))
PLACE: dict[str, Any] = {"state": "5" * 32, "site": "default", "expires": 1_000_300.0, "resends": 0}


@pytest.fixture
def sealer() -> MessageSealer:
    return MessageSealer(KEY, secrets.token_bytes)


def test_what_is_sealed_comes_out_as_it_was(sealer: MessageSealer) -> None:
    assert sealer.unseal(sealer.seal(LETTER, "default"), **PLACE) == LETTER


def test_a_whole_number_of_seconds_may_come_back_without_a_fraction(sealer: MessageSealer) -> None:
    sealed = sealer.seal(LETTER, "default")

    assert sealer.unseal(sealed, **(PLACE | {"expires": 1_000_300})) == LETTER


def test_neither_code_nor_number_nor_name_can_be_read(sealer: MessageSealer) -> None:
    sealed = sealer.seal(LETTER, "default")

    assert all(word not in sealed for word in (b"734921", b"1701234567", b"rgen", b"first"))


def test_the_same_message_is_never_sealed_alike(sealer: MessageSealer) -> None:
    assert len({sealer.seal(LETTER, "default")[:12] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "place", [{"state": "6" * 32}, {"site": "other"}, {"site": ""}, {"expires": 1_000_300.001}]
)
def test_a_message_that_was_moved_cannot_be_opened(sealer: MessageSealer, place: dict[str, Any]) -> None:
    with pytest.raises(CannotUnseal):
        sealer.unseal(sealer.seal(LETTER, "default"), **(PLACE | place))


@pytest.mark.parametrize("place", [0, 12, -1])
def test_a_message_that_was_changed_cannot_be_opened(sealer: MessageSealer, place: int) -> None:
    sealed = bytearray(sealer.seal(LETTER, "default"))
    sealed[place] ^= 1

    with pytest.raises(CannotUnseal):
        sealer.unseal(bytes(sealed), **PLACE)


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_message_that_was_cut_cannot_be_opened(sealer: MessageSealer, length: int) -> None:
    with pytest.raises(CannotUnseal):
        sealer.unseal(sealer.seal(LETTER, "default")[:length], **PLACE)


def test_what_was_sealed_with_the_older_key_is_opened_and_new_messages_are_sealed_with_the_present_one(
    sealer: MessageSealer,
) -> None:
    new = derive_message_key(b"n" * 32)
    both = MessageSealer(new, secrets.token_bytes, KEY)

    assert both.unseal(sealer.seal(LETTER, "default"), **PLACE) == LETTER
    assert MessageSealer(new, secrets.token_bytes).unseal(both.seal(LETTER, "default"), **PLACE) == LETTER
    with pytest.raises(CannotUnseal):
        sealer.unseal(both.seal(LETTER, "default"), **PLACE)


def test_another_key_opens_nothing_and_the_error_says_what_to_look_at(sealer: MessageSealer) -> None:
    other = MessageSealer(derive_message_key(b"l" * 32), secrets.token_bytes)

    with pytest.raises(CannotUnseal, match=r"\[store\] key has another value"):
        other.unseal(sealer.seal(LETTER, "default"), **PLACE)
