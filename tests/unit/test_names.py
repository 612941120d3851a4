"""User-Names in logs: a name is shown, a number or a code that stands in its place is not."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.codes.onetime import CodeMaker

DIGITS = "0123456789"


@pytest.mark.parametrize(
    "user",
    [
        *(
            "bob",
            "anna.smith@example.com",
            "EXAMPLE\\bob",
            "person300",
            "bob12",
            "x" * 253,
            "",
            "host/pc-12345.example",
        ),
        *("12345", "1234567abcdefghi", "M\u00fcller"),
    ],
)
def test_a_name_is_shown_as_it_is(user: str) -> None:
    assert mask_name(user, 6, DIGITS) == user


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("+491701234567", "*** **67"),
        ("491701234567", "*** **67"),
        ("0170 / 123 45 67", "*** **67"),
        ("tel:+49-170-1234567", "*** **67"),
        ("+491701234567@example.com", "*** **67@example.com"),
        ("EXAMPLE\\0170 1234567", "EXAMPLE\\*** **67"),
        ("\u200e+49\u2011170\u00a01234567", "*** **67"),
        ("\uff0b\uff14\uff19\uff11\uff17\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17", "*** **67"),
        ("123456", "***"),
        ("123-456", "***"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "***"),
        ("123456@example.com", "***@example.com"),
    ],
)
def test_a_number_or_code_in_its_place_is_not(user: str, shown: str) -> None:
    assert mask_name(user, 6, DIGITS) == shown


@pytest.mark.parametrize(
    ("length", "alphabet", "typed"), [(6, "ABCDEFGHIJ", "fACEbd"), (8, "abcdef0123", "ab12cd30")]
)
def test_a_code_is_known_whatever_its_alphabet(length: int, alphabet: str, typed: str) -> None:
    assert mask_name(typed, length, alphabet) == "***"
    assert mask_name(typed, length, DIGITS) == typed


@given(st.text(alphabet="ABCDEFGHIJ0123456789", min_size=10, max_size=20), st.integers(4, 10))
def test_no_code_is_ever_shown(seed: str, length: int) -> None:
    codes = CodeMaker(b"k" * 32, length, "ABCDEFGHIJ0123456789", secrets.token_bytes)
    code = codes.code(seed)

    assert code not in codes.names.mask_user(code)
    assert codes.names.mask_user(code) == codes.names.mask_user(code)
    assert codes.names.mask_user(code) != codes.names.mask_user(code + "A" + code)
