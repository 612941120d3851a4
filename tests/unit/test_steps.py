"""Steps that are all taken."""

import pytest

from smsotp_plugin.dispatch.steps import take_all


def test_a_step_that_fails_keeps_no_other_from_being_taken_and_the_last_failure_is_told() -> None:
    taken: list[str] = []

    def fail(name: str) -> None:
        taken.append(name)
        raise ValueError(name)

    with pytest.raises(ValueError, match="third"):
        take_all(
            lambda: taken.append("first"),
            lambda: fail("second"),
            lambda: fail("third"),
            lambda: taken.append("fourth"),
        )

    assert taken == ["first", "second", "third", "fourth"]
