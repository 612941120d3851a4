"""Which SMS the soak takes for a copy, and which one its people read."""

from itertools import count

from soak_load import Phones


def make_phones() -> Phones:
    """Phones at which each SMS arrives a second after the one before it, the first one at second 1."""
    return Phones(map(float, count(1)).__next__)


def test_a_copy_of_what_was_read_is_counted_and_not_read_again() -> None:
    phones = make_phones()

    assert not phones.take("bob", "111111")
    assert phones.read("bob") == "111111"
    assert phones.take("bob", "111111", begun=0.5)
    assert not phones.has_code("bob")


def test_a_code_that_was_that_of_an_earlier_log_in_by_chance_is_read() -> None:
    phones = make_phones()
    phones.take("bob", "111111")
    phones.read("bob")

    phones.take("bob", "111111", begun=1.5)

    assert phones.read("bob") == "111111"


def test_the_same_code_of_somebody_else_is_no_copy() -> None:
    phones = make_phones()

    assert not phones.take("bob", "111111")
    assert not phones.take("ann", "111111")
