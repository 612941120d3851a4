"""Codes: what they are made of, and that their seals tell right from wrong and nothing else."""

import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.codes.fingerprints import PERIOD, reference_of
from smsotp_plugin.codes.keyed import HEX_DIGITS
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.sms.typed import fold, fold_word
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY

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
    made = [made for _ in range(500) for made in (maker().names.make_state("default"), maker().make_seed())]

    assert len(set(made)) == 1000
    assert all(len(text) == HEX_DIGITS and text.isalnum() and text.isascii() for text in made)


@given(site=st.text(max_size=40), other=st.text(max_size=40))
def test_a_state_is_for_its_own_site(site: str, other: str) -> None:
    state = maker().names.make_state(site)

    assert maker().names.is_for(state, site)
    assert maker().names.is_for(state, other) == (site == other)
    assert not maker(key=b"x" * 32).names.is_for(state, site)


#: Seconds that a challenge lasts, and a moment at which a period begins.
LIFE, BEGIN = 300.0, 1_000_000 * PERIOD


@given(user=st.text(max_size=40), other=st.text(max_size=40), made=st.floats(0, PERIOD))
def test_a_state_is_of_its_own_user(user: str, other: str, made: float) -> None:
    now = BEGIN + made
    state = maker().names.make_state("default", user, now + LIFE)

    assert maker().names.is_for(state, "default")
    assert maker().names.is_of(state, user, now, LIFE)
    assert maker().names.is_of(state, other, now, LIFE) == (user == other)
    assert not maker(key=b"x" * 32).names.is_of(state, user, now, LIFE)
    assert not maker().names.is_of(maker().names.make_state("default"), user, now, LIFE)


@given(made=st.floats(0, PERIOD), late=st.floats(-LIFE, 0))
def test_a_state_is_of_its_user_until_the_challenge_ends(made: float, late: float) -> None:
    end = BEGIN + made + LIFE
    state = maker().names.make_state("default", "bob", end)

    assert maker().names.is_of(state, "bob", end + late, LIFE)
    for moment in (end + PERIOD, end + 86400 + late, end - LIFE - PERIOD - 1):
        assert not maker().names.is_of(state, "bob", moment, LIFE)


def test_a_store_keeps_a_challenge_for_as_long_as_its_state_is_recognized() -> None:
    assert PERIOD <= KEPT_AFTER_EXPIRY


@pytest.mark.parametrize("alphabet", [DIGITS, MIXED, CAPITALS, SMALL])
@pytest.mark.parametrize("typed", ["{}", " {}\r\n", "{}.", "\u200b{}"])
def test_every_code_may_be_one_however_it_is_typed(alphabet: str, typed: str) -> None:
    codes = maker(alphabet, 8)
    for seed in range(100):
        code = codes.code(str(seed))
        variants = {code, code[:3] + " " + code[3:], code[:4] + "-" + code[4:]}
        if alphabet != MIXED:
            variants |= {code.upper(), code.lower()}
        assert all(codes.may_be_code(typed.format(variant)) for variant in variants)


@pytest.mark.parametrize(
    "typed", ["", "hello", "12345", "1234567", "12345a", "12345\u00e9", "resend", "-", "1" * 253]
)
def test_what_is_longer_shorter_or_of_other_characters_is_no_code(typed: str) -> None:
    assert not maker(DIGITS).may_be_code(typed)


@given(st.text(max_size=300))
def test_a_state_that_nobody_made_is_for_no_site(state: str) -> None:
    assert not maker().names.is_for(state, "default")


@given(state=st.text(max_size=40), answer=st.text(max_size=20), other=st.text(max_size=20))
def test_only_the_same_answer_has_the_same_seal(state: str, answer: str, other: str) -> None:
    codes = maker(MIXED)
    same = fold_word(answer) == fold_word(other)

    assert (codes.seal(state, answer) == codes.seal(state, other)) is same


@given(st.text(alphabet=CAPITALS, min_size=4, max_size=10))
def test_case_does_not_matter_where_the_alphabet_has_one(code: str) -> None:
    assert maker(CAPITALS).seal("s", code) == maker(CAPITALS).seal("s", code.lower())
    assert maker(SMALL).seal("s", code.lower()) == maker(SMALL).seal("s", code)


def test_case_matters_where_the_alphabet_has_both() -> None:
    assert maker(MIXED).seal("s", "abCD") != maker(MIXED).seal("s", "ABcd")


TYPED = {
    "with blanks": " 123 456 ",
    "digit by digit": "1 2 3 4 5 6",
    "with blanks of other widths": "\u00a0123\u2009456\u3000",
    "with a hyphen": "123-456",
    "with other hyphens": "\u2011123\u2013456\u2212",
    "with dots": "123.456.",
    "in quotes": "\u201e123456\u201c",
    "in brackets": "(123456)",
    "with a line break": "123456\r\n",
    "with a tab": "\t123456",
    "with a NUL": "123456\x00",
    "with invisible blanks": "\u200b123\u2060456\ufeff",
    "embedded left to right": "\u202a123456\u202c",
    "isolated": "\u2068123456\u2069",
    "with a variation selector": "123456\ufe0f",
    "full width": "\uff11\uff12\uff13\uff14\uff15\uff16",
    "in Arabic digits": "\u0661\u0662\u0663\u0664\u0665\u0666",
    "in Persian digits": "\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6",
    "in Bengali digits": "\u09e7\u09e8\u09e9\u09ea\u09eb\u09ec",
    "in mathematical digits": "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4",
}


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
def test_how_a_code_is_typed_does_not_matter(typed: str) -> None:
    assert maker().seal("s", typed) == maker().seal("s", "123456")


@pytest.mark.parametrize(
    "typed",
    ["12345", "1234567", "0123456", "-", "", "123456a", "12345\u00b2", "12345\u2465", "123+456", "12345O"],
)
def test_anything_else_that_is_typed_is_another_code(typed: str) -> None:
    assert maker().seal("s", typed) != maker().seal("s", "123456")


def test_letters_are_folded_too_where_the_alphabet_has_them() -> None:
    assert maker(CAPITALS).seal("s", "\uff21\uff42-cd") == maker(CAPITALS).seal("s", "ABCD")
    assert maker(MIXED).seal("s", "\uff21\uff42-\u0661") == maker(MIXED).seal("s", "Ab1")
    assert maker(MIXED).seal("s", "\uff41b1") != maker(MIXED).seal("s", "Ab1")


@given(st.text(max_size=20), st.text(alphabet=MIXED, min_size=4, max_size=10))
def test_what_is_dropped_makes_no_other_code_right(typed: str, code: str) -> None:
    """A typed text stands for one code at most: the one that its letters and digits are."""
    codes = maker(MIXED)
    if codes.seal("s", typed) == codes.seal("s", code):
        assert [char for char in fold(typed) if char.isalnum()] == list(code)


@given(state=st.text(max_size=40), other=st.text(max_size=40))
def test_a_seal_is_worth_nothing_for_another_challenge(state: str, other: str) -> None:
    assert (maker().seal(state, "123456") == maker().seal(other, "123456")) is (state == other)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_different_parts_have_different_fingerprints(parts: list[str], others: list[str]) -> None:
    assert (maker().names.fingerprint(*parts) == maker().names.fingerprint(*others)) is (parts == others)


@given(st.text())
def test_no_text_from_the_wire_is_too_odd(text: str) -> None:
    for made in (maker().seal(text, text + "\ud800"), maker().names.fingerprint(text), maker().code(text)):
        assert made.isascii()


def test_a_reference_is_short_and_says_nothing_of_its_state() -> None:
    state = maker().names.make_state("default")

    assert len(reference_of(state)) == 8
    assert reference_of(state) not in state
