"""The GSM alphabet against a table that comes from elsewhere (tests/vectors/gsm0338.txt)."""

import unicodedata
from pathlib import Path

import pytest

from smsotp_plugin.sms.gsm7 import count_gsm7, encode_gsm7, fits_gsm7

_VECTORS = Path(__file__).parents[1] / "vectors" / "gsm0338.txt"
_ROWS = [line.split(" ", 2) for line in _VECTORS.read_text().splitlines() if not line.startswith("#")]
_TABLE = {chr(int(point, 16)): bytes.fromhex(septets) for septets, point, _ in _ROWS}
_NAMED = [row for row in _ROWS if row[2] not in ("LINE FEED", "CARRIAGE RETURN", "FORM FEED")]


@pytest.mark.parametrize(("character", "septets"), _TABLE.items())
def test_every_character_of_the_alphabet_has_the_septets_of_the_standard(
    character: str, septets: bytes
) -> None:
    assert encode_gsm7(character) == septets


def test_the_table_is_complete_and_names_its_characters_rightly() -> None:
    assert len(_TABLE) == 127 + 10
    assert [unicodedata.name(chr(int(point, 16))) for _, point, _ in _NAMED] == [row[2] for row in _NAMED]


def test_no_other_character_of_the_basic_plane_fits() -> None:
    assert {chr(point) for point in range(0x10000) if fits_gsm7(chr(point))} == set(_TABLE)


@pytest.mark.parametrize("character", ["`", "ç", "\t", "\x1b", "😀", "\udc1b", "\u2019"])
def test_what_looks_similar_does_not_fit(character: str) -> None:
    assert not fits_gsm7(character)
    with pytest.raises(ValueError, match="not in the GSM 7 bit"):
        encode_gsm7(character)


def test_an_escaped_character_counts_as_two_septets() -> None:
    assert count_gsm7("a€[b") == len(encode_gsm7("a€[b")) == 6
