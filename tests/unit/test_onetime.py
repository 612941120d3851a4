"""Codes: what they are made of, and that their seals tell right from wrong and nothing else."""

import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.codes.onetime import HEX_DIGITS, CodeMaker

DIGITS = "0123456789"
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
SMALL = "abcdefghjkmnpqrstuvwxyz"
MIXED = "ABCDEFabcdef0123456789"
KEY = b"k" * 32


def maker(alphabet: str = DIGITS, length: int = 6, key: bytes = KEY) -> CodeMaker:
    return CodeMaker(key, length, alphabet, secrets.token_bytes)


@given(
    seed=st.text(max_size=40),
    alphabet=st.sampled_from([DIGITS, CAPITALS, SMALL, MIXED]),
    length=st.integers(4, 10),
)
def test_a_code_has_the_length_and_the_alphabet(seed: str, alphabet: str, length: int) -> None:
    code = maker(alphabet, length).code(seed)

    assert len(code) == length
    assert set(code) <= set(alphabet)


@given(st.text(max_size=40))
def test_a_seed_gives_one_code(seed: str) -> None:
    assert maker().code(seed) == maker().code(seed)


def test_another_key_gives_other_codes() -> None:
    seeds = [str(number) for number in range(100)]

    assert [maker().code(seed) for seed in seeds] != [maker(key=b"x" * 32).code(seed) for seed in seeds]


def test_every_character_is_as_likely_at_every_place() -> None:
    codes = [maker(length=4).code(str(seed)) for seed in range(20_000)]

    for place in range(4):
        counts = Counter(code[place] for code in codes)
        assert set(counts) == set(DIGITS)
        assert max(abs(count - 2000) for count in counts.values()) < 250


def test_codes_begin_with_zeros_too() -> None:
    assert any(maker().code(str(seed)).startswith("00") for seed in range(1000))


def test_states_and_seeds_are_fresh_and_printable() -> None:
    made = [made for _ in range(500) for made in (maker().new_state("default"), maker().new_seed())]

    assert len(set(made)) == 1000
    assert all(len(text) == HEX_DIGITS and text.isalnum() and text.isascii() for text in made)


@given(site=st.text(max_size=40), other=st.text(max_size=40))
def test_a_state_is_for_its_own_site(site: str, other: str) -> None:
    state = maker().new_state(site)

    assert maker().is_for(state, site)
    assert maker().is_for(state, other) == (site == other)
    assert not maker(key=b"x" * 32).is_for(state, site)


@given(st.text(max_size=300))
def test_a_state_that_nobody_made_is_for_no_site(state: str) -> None:
    assert not maker().is_for(state, "default")


@given(state=st.text(max_size=40), answer=st.text(max_size=20), other=st.text(max_size=20))
def test_only_the_same_answer_has_the_same_seal(state: str, answer: str, other: str) -> None:
    codes = maker(MIXED)
    same = "".join(answer.split()) == "".join(other.split())

    assert (codes.seal(state, answer) == codes.seal(state, other)) is same


@given(st.text(alphabet=CAPITALS, min_size=4, max_size=10))
def test_case_does_not_matter_where_the_alphabet_has_one(code: str) -> None:
    assert maker(CAPITALS).seal("s", code) == maker(CAPITALS).seal("s", code.lower())
    assert maker(SMALL).seal("s", code.lower()) == maker(SMALL).seal("s", code)


def test_case_matters_where_the_alphabet_has_both() -> None:
    assert maker(MIXED).seal("s", "abCD") != maker(MIXED).seal("s", "ABcd")


@pytest.mark.parametrize("typed", [" 123456", "123 456", "123456\t\n", "1 2 3 4 5 6", "\u00a0123456"])
def test_blanks_do_not_matter(typed: str) -> None:
    assert maker().seal("s", typed) == maker().seal("s", "123456")


@pytest.mark.parametrize(
    "typed",
    ["12345", "1234567", "0123456", "123456.", "", "\uff11\uff12\uff13\uff14\uff15\uff16", "123\u200b456"],
)
def test_anything_else_does(typed: str) -> None:
    assert maker().seal("s", typed) != maker().seal("s", "123456")


@given(state=st.text(max_size=40), other=st.text(max_size=40))
def test_a_seal_is_worth_nothing_for_another_challenge(state: str, other: str) -> None:
    assert (maker().seal(state, "123456") == maker().seal(other, "123456")) is (state == other)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_different_parts_have_different_fingerprints(parts: list[str], others: list[str]) -> None:
    assert (maker().fingerprint(*parts) == maker().fingerprint(*others)) is (parts == others)


@given(st.text())
def test_no_text_from_the_wire_is_too_odd(text: str) -> None:
    for made in (maker().seal(text, text + "\ud800"), maker().fingerprint(text), maker().code(text)):
        assert made.isascii()


def test_a_reference_is_short_and_says_nothing_of_its_state() -> None:
    state = maker().new_state("default")

    assert len(maker().reference(state)) == 8
    assert maker().reference(state) not in state
