"""Which spellings of a User-Name are one account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.codes.account import fold_account

SPELLINGS = (
    *("bob", "BOB", "Bob", " bob", "bob ", "bob\t", "bo b", "bob\x7f", "\x00bob"),
    *("bob@example.org", "bob@EXAMPLE.ORG", "bob@example.org@isp", "bob@", "bob%isp"),
    *("EXAMPLE\\bob", "example\\BOB", "isp/bob", "isp!bob", "EXAMPLE\\Bob@example.org", "isp/EXAMPLE\\bob%x"),
    *("bob\u00a0", "b\u200bob", "b\u00adob", "\ufeffbob", "\u202ebob\u202c", "bob\u3000"),
    *("\uff42\uff4f\uff42", "\uff22\uff2f\uff22", "bob\uff20example.org", "\U0001d41bob", "\u24d1ob"),
    *("b\u00f3b", "bo\u0301b", "B\u00d6B", "b\u00f8b", "bob\ufe0f"),
)


@pytest.mark.parametrize("user", SPELLINGS)
def test_spellings_that_servers_take_for_one_user_are_one_account(user: str) -> None:
    assert fold_account(user) == "bob"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            ("stra\u00dfe", "STRASSE"),
            ("\u0130bo", "\u0131bo"),
            ("\u0142ukasz", "Lukasz"),
            ("\u00e6on", "AEON"),
        ),
        *(
            ("\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3"),
            ("\u0430\u043b\u0438\u0441\u0430", "\u0410\u041b\u0418\u0421\u0410"),
        ),
        *(("user\u0661", "user1"), ("o\ufb03ce", "office"), ("\u017fam", "SAM")),
    ],
)
def test_letters_that_comparisons_take_for_one_are_one(one: str, other: str) -> None:
    assert fold_account(one) == fold_account(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob", "rob"),
        ("bob1", "bob2"),
        ("bob-a", "boba"),
        ("bob.a", "bob_a"),
        ("@one", "@other"),
        ("\u0431", "b"),
    ],
)
def test_different_people_stay_different(one: str, other: str) -> None:
    assert fold_account(one) != fold_account(other)


@given(st.text(max_size=40))
def test_any_name_has_an_account_that_case_and_blanks_do_not_change(user: str) -> None:
    account = fold_account(user)

    assert fold_account(f"  {user} ") == account
    assert fold_account(account) == account


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_upper_case_is_the_same_account(user: str) -> None:
    assert fold_account(user.upper()) == fold_account(user)
