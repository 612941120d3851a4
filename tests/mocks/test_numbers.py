import pytest

from smsotp_mocks.inbox.numbers import normalise_number


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("+49 170 / 123-45", "+4917012345"),
        ("004917012345", "+4917012345"),
        ("4917012345", "+4917012345"),
        ("017012345", "017012345"),
        (" +49170", "+49170"),
        ("", ""),
    ],
)
def test_all_spellings_of_a_number_are_found_under_one(written: str, normal: str) -> None:
    assert normal == normalise_number(written)
