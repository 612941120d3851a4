"""What a process remembers of the tries of challenges: no old row gives any back, and memory has an end."""

import pytest

from smsotp_plugin.stores.tries import USED_UP, Tries

#: How many later challenges one is remembered for at least.
LATER = 24_999


def note_others(tries: Tries, count: int) -> None:
    for number in range(count):
        tries.note(f"{number:032x}", 3)


def test_of_a_challenge_that_was_never_seen_nothing_is_known() -> None:
    assert Tries().left("f" * 32) is None


@pytest.mark.parametrize(("noted", "left"), [((3,), 3), ((3, 2), 2), ((2, 3), 2), ((USED_UP, 3), USED_UP)])
@pytest.mark.parametrize("later", [0, 1, LATER])
def test_the_fewest_tries_that_were_seen_count_also_after_many_later_challenges(
    noted: tuple[int, ...], left: int, later: int
) -> None:
    tries = Tries()
    for number in noted[:-1]:
        tries.note("f" * 32, number)
    note_others(tries, later)
    tries.note("f" * 32, noted[-1])
    note_others(tries, later)

    assert tries.left("f" * 32) == left


def test_a_use_that_was_taken_back_gives_back_its_try() -> None:
    tries = Tries()
    tries.note("f" * 32, USED_UP)
    tries.put("f" * 32, 2)

    assert tries.left("f" * 32) == 2


def test_what_was_seen_long_ago_is_forgotten() -> None:
    tries = Tries()
    tries.note("f" * 32, 1)
    note_others(tries, 50_000)

    assert tries.left("f" * 32) is None
