"""Cutting texts into short messages."""

from itertools import pairwise
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.errors import BadMessage
from smsotp_plugin.sms.segments import Coding, encode_text, make_concatenation_header, plan_segments

_VECTORS = Path(__file__).parents[1] / "vectors" / "gsm0338.txt"
_ROWS = [line.split(" ") for line in _VECTORS.read_text().splitlines() if not line.startswith("#")]
_DECODED = {bytes.fromhex(row[0]): chr(int(row[1], 16)) for row in _ROWS}
_GSM_TEXTS = st.text(st.sampled_from(sorted(_DECODED.values())), max_size=1000)
_ANY_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def decode_septets(septets: bytes) -> str:
    """Decode with the table from elsewhere; a septet pair that was cut in half is a KeyError."""
    text = []
    rest = septets
    while rest:
        length = 2 if rest[0] == 0x1B else 1
        text.append(_DECODED[rest[:length]])
        rest = rest[length:]
    return "".join(text)


@pytest.mark.parametrize(
    ("text", "coding", "lengths"),
    [
        ("", Coding.GSM7, [0]),
        ("a" * 160, Coding.GSM7, [160]),
        ("a" * 161, Coding.GSM7, [153, 8]),
        ("a" * 306, Coding.GSM7, [153, 153]),
        ("a" * 307, Coding.GSM7, [153, 153, 1]),
        ("€" * 80, Coding.GSM7, [80]),
        ("€" * 81, Coding.GSM7, [76, 5]),
        ("a" * 152 + "€" + "b" * 8, Coding.GSM7, [152, 9]),
        ("я" * 70, Coding.UCS2, [70]),
        ("я" * 71, Coding.UCS2, [67, 4]),
        ("😀" * 35, Coding.UCS2, [35]),
        ("😀" * 36, Coding.UCS2, [33, 3]),
        ("я" * 66 + "😀" + "я" * 3, Coding.UCS2, [66, 4]),
    ],
)
def test_a_text_is_cut_where_the_standard_ends_a_part(text: str, coding: Coding, lengths: list[int]) -> None:
    plan = plan_segments(text)

    assert (plan.coding, [len(part) for part in plan.parts]) == (coding, lengths)
    assert plan.count == len(lengths)


@given(_GSM_TEXTS)
def test_texts_of_the_gsm_alphabet_come_back_whole_from_a_foreign_decoder(text: str) -> None:
    plan = plan_segments(text)

    assert plan.coding is Coding.GSM7
    assert "".join(decode_septets(part) for part in plan.encode_parts()) == text


@given(_ANY_TEXTS)
def test_any_text_comes_back_whole_in_parts_that_decode_alone(text: str) -> None:
    plan = plan_segments(text, Coding.UCS2)

    assert "".join(part.decode("utf-16-be") for part in plan.encode_parts()) == text


@given(_ANY_TEXTS)
def test_no_part_is_larger_than_the_standard_allows(text: str) -> None:
    plan = plan_segments(text)
    unit, alone, joined = (1, 160, 153) if plan.coding is Coding.GSM7 else (2, 70, 67)

    assert max(len(part) // unit for part in plan.encode_parts()) <= (alone if plan.count == 1 else joined)


@given(_GSM_TEXTS)
def test_no_part_could_have_taken_the_next_parts_first_character(text: str) -> None:
    parts = plan_segments(text).parts

    assert all(
        len(encode_text(part + following[0], Coding.GSM7)) > 153 for part, following in pairwise(parts)
    )


@given(st.text("aя", min_size=1, max_size=500))
def test_texts_of_one_unit_characters_need_the_least_number_of_parts(text: str) -> None:
    alone, joined = (70, 67) if "я" in text else (160, 153)

    assert plan_segments(text).count == (1 if len(text) <= alone else ceil(len(text) / joined))


def test_a_text_of_more_than_255_parts_is_refused() -> None:
    assert plan_segments("a" * 255 * 153).count == 255
    with pytest.raises(BadMessage, match="256 SMS"):
        plan_segments("a" * (255 * 153 + 1))


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(BadMessage, match="surrogate"):
        plan_segments("code \ud83d")


def test_a_text_that_does_not_fit_the_alphabet_asked_for_is_refused() -> None:
    with pytest.raises(BadMessage, match="GSM 7 bit"):
        plan_segments("`", Coding.GSM7)


def test_the_header_of_a_part_is_that_of_the_standard() -> None:
    assert make_concatenation_header(0x1A7, 3, 2) == bytes.fromhex("050003a70302")


def test_a_plan_does_not_show_the_text() -> None:
    assert "123456" not in repr(plan_segments("123456 is your code"))
