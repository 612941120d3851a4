"""The documentation page of the mocks is held against them."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from smsotp_mocks.faults.magic_numbers import MAGIC
from smsotp_mocks.faults.words import ACTIONS
from smsotp_mocks.gateways.smpp import gateway as smsc
from smsotp_mocks.gateways.smtp import gateway as smtp
from smsotp_mocks.gateways.table import GATEWAYS
from smsotp_mocks.inbox.messages import ReceivedMessage

PAGE = (Path(__file__).parents[2] / "docs/mocks.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z][a-z-]*)[^|]*\|[^|]*\|[^|]*\| ?(\+[0-9]+)?[^|]*\|$", PAGE, re.MULTILINE))


def test_every_action_and_its_number_stand_in_the_table() -> None:
    numbers = {fault.action: number for number, fault in MAGIC.items()}

    assert {action: numbers.get(action, "") for action in ACTIONS} == ROWS


@pytest.mark.parametrize(
    "word",
    [
        *(f"`--{name}" for name in GATEWAYS),
        *(f"`{stage}`" for stage in (*smsc.STAGES, *smtp.STAGES) if stage != "message"),
        *(f"`{field.name}`" for field in fields(ReceivedMessage)),
    ],
)
def test_a_word_of_the_mocks_stands_on_the_page(word: str) -> None:
    assert word in PAGE
