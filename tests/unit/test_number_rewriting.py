"""REGEXP: a number is rewritten for its gateway, and no rewriting keeps a log-in waiting."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smsotp_plugin.fields.number import Rewriting, RewritingSetting

REWRITING: TypeAdapter[Any] = TypeAdapter(RewritingSetting)
#: What `phonenumbers` reads at most: country code 49 and 17 digits.
LONGEST = "+49" + "1" * 15


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        (r"/^[+]//", "491701234567"),
        (r"/^\+49/0/", "01701234567"),
        (r"/^\+(\d\d)(.*)/\1-\2/", "49-1701234567"),
        (r"/\+/\/\//", "//491701234567"),
        (r"/nothing/x/", "+491701234567"),
    ],
)
def test_a_number_can_be_rewritten(rule: str, result: str) -> None:
    assert REWRITING.validate_python(rule).apply("+491701234567") == result


@pytest.mark.parametrize(
    "rule", ["", "x", "/a", "/a/b", "a/b/c", "x/a/b/", "/a/b/x", "//b/", "/a/b/c/", "/(/b/", r"/a/\1/", 7, []]
)
def test_a_rewriting_that_makes_no_sense_is_refused(rule: object) -> None:
    with pytest.raises(ValidationError):
        REWRITING.validate_python(rule)


def test_no_rewriting_is_none_and_one_that_was_read_stays() -> None:
    read = REWRITING.validate_python("/a/b/")

    assert REWRITING.validate_python(None) is None
    assert isinstance(read, Rewriting)
    assert REWRITING.validate_python(read) is read


SLOW = {
    "one inside another": r"/^(\d+)+x//",
    "three inside another": r"/^((\d+)+)+x//",
    "of what may be nothing": r"/(\d*)*x//",
    "lazy": r"/(\d+?)+?x//",
    "of alternatives": r"/^(\d|\d|\d|\d)*x//",
    "of unequal alternatives": r"/^(\d|\d\d|\d\d\d)+x//",
    "one after another": "/" + r"\d*" * 16 + "x//",
    "bounded": r"/^(?:\d?){30}x//",
    "of alternatives, written out": "/" + r"(\d|\d|\d|\d)" * 15 + "x//",
    "looking ahead": r"/(?=(\d+)+x)//",
    "looking ahead each time": r"/(?:(?=\d*\d*\d*x)|\d)*y//",
    "of a group's own text": r"/(\d*)(?:\1|\d)*x//",
    "without end": r"/(?:(?:\d{0,9}){0,9}){0,9}x//",
    "more often than a number is long": r"/(?:){4000000}//",
    "behind a condition": r"/(\+)?(?(1)(\d+)+|(\d*)*)x//",
}


@pytest.mark.parametrize("rule", SLOW.values(), ids=SLOW)
def test_a_rewriting_that_could_take_long_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError, match="in so many ways"):
        REWRITING.validate_python(rule)


@pytest.mark.parametrize(
    "rule",
    [
        r"/^\+(?:49|43|41)(0?)(1[5-7]\d+|\d{3,})$/0\2/",
        r"/^\+(\d{1,3})(\d{1,3})(\d+)$/\1-\2-\3/",
        r"/^\+49(\d*)(\d*)$/\1\2/",
        r"/(\d)\1+/\1/",
        r"/(?P<country>\+49)(?!1)/00/",
        r"/(?i:\+)/00/",
    ],
)
def test_a_rewriting_as_administrators_write_them_is_taken(rule: str) -> None:
    assert REWRITING.validate_python(rule).apply(LONGEST)


PARTS = st.sampled_from(
    [r"\d", r"\d+", r"\d*?", "1", r"(\d|1)", r"(1|11)*", r"(?:\d{2,4})?", "x", r"\b", "(?=1)", r"(?:\d?){3}"]
)


@given(st.lists(PARTS, max_size=8).map("".join))
def test_what_is_taken_is_quick(pattern: str) -> None:
    """Were it not, hypothesis would find one that does not end within the time of a test."""
    try:
        rewriting = REWRITING.validate_python(f"/{pattern}/0/")
    except ValidationError:
        return
    assert isinstance(rewriting.apply(LONGEST), str)


@pytest.mark.parametrize(
    ("rule", "character"),
    [("/\u200b49/0/", r"U\+200B"), ("/49/\u0660/", r"U\+0660"), ("/\t49/0/", r"U\+0009")],
)
def test_a_rewriting_with_a_character_that_no_number_has_is_refused(rule: str, character: str) -> None:
    with pytest.raises(ValidationError, match=character):
        REWRITING.validate_python(rule)
