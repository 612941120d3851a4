import pytest

from smsotp_mocks.gateways.gsm import count_segments, decode


def test_the_alphabet_has_the_standards_corners() -> None:
    assert decode(bytes([0x00, 0x01, 0x02, 0x11, 0x10, 0x20, 0x3F, 0x40, 0x60, 0x7F])) == "@£$_Δ\x20?¡¿à"


def test_escaped_septets_are_the_extension_table() -> None:
    assert decode(bytes.fromhex("1b65 1b28 1b29 1b3c 1b3e 1b3d 1b2f 1b40 1b14")) == "€{}[]~\\|^"


def test_an_unknown_escape_shows_the_default_character() -> None:
    assert decode(bytes([0x1B, 0x61])) == "a"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 76 + "a" * 10, 3),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 67, 3),
        ("`", 1),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, parts: int) -> None:
    assert parts == count_segments(text)
