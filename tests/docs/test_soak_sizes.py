"""What the soak takes for growth: what is there at any time, and not what a fault has for a moment."""

from collections.abc import Sequence

import pytest
from soak import Size, judge_sizes

#: Enough looks, ten seconds apart, for four quarters of all faults.
LOOKS = 120


def grown(memory: Sequence[float], handles: Sequence[int]) -> list[str]:
    return judge_sizes([Size(mega, 160, number) for mega, number in zip(memory, handles, strict=True)])


def test_a_peak_is_no_growth() -> None:
    handles = [45] * LOOKS
    handles[-3] = 140

    assert grown([200.0] * LOOKS, handles) == []


@pytest.mark.parametrize("each", [1, 5])
def test_a_handle_that_is_left_now_and_then_is_growth(each: int) -> None:
    handles = [45 + look // each for look in range(LOOKS)]
    quarter = LOOKS // 4

    assert grown([200.0] * LOOKS, handles) == [
        f"handles have grown from {handles[quarter]} to {handles[-quarter]}"
    ]


def test_memory_that_grows_is_told_of() -> None:
    assert grown([100.0 + look for look in range(LOOKS)], [45] * LOOKS) == [
        "memory has grown from 144 to 204 MB"
    ]
