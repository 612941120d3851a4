"""Codes, numbers and names through the real server, as people type and paste them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

from .system import World

TYPED: dict[str, Callable[[str], str]] = {
    "with a hyphen": lambda code: f"{code[:3]}-{code[3:]}",
    "with blanks": lambda code: f" {code[:3]}\u00a0{code[3:]} ",
    "full width": lambda code: code.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
    "in Arabic digits": lambda code: code.translate({48 + digit: 0x660 + digit for digit in range(10)}),
    "embedded left to right": lambda code: f"\u202a{code}\u202c",
    "with invisible blanks": lambda code: f"\u200b{code[:3]}\u200b{code[3:]}\ufeff",
}
PASTED = {
    "embedded": ("\u202a+49 170 7654321\u202c", "+491707654321"),
    "blanks": ("+49\u00a0170\u00a07654322", "+491707654322"),
    "link": ("tel:+49-170-7654323", "+491707654323"),
    "wide": ("\uff0b491707654324", "+491707654324"),
    "national": ("0170 7654325", "+491707654325"),
}
REFUSED = {
    "plusless": ("491707654326", "write it with a plus"),
    "two": ("0170/7654327-8", "an extension or a second number"),
    "extension": ("0170 7654327 ext. 8", "U+0065"),
}
GERMANY = '[users]\ndefault_region = "DE"\n'


@pytest.mark.parametrize("how", TYPED)
def test_a_code_is_right_however_it_is_typed(world: World, how: str) -> None:
    anna = world.someone()
    challenge = world.log_in(anna)

    assert world.answer(anna, TYPED[how](world.code_of(anna)), challenge.state).code == "accept"


def test_a_number_is_read_as_it_is_pasted_or_refused_with_the_reason(tmp_path: Path) -> None:
    entries = PASTED | REFUSED
    users = {name: RadiusUser(name, "secret-word", number) for name, (number, _) in entries.items()}
    with World(tmp_path, users=list(users.values()), sections=GERMANY) as world:
        for name, (_, number) in PASTED.items():
            assert world.log_in(users[name]).code == "challenge", name
            world.gateway.inbox.wait(number=number)
        for name, (_, why) in REFUSED.items():
            mark = world.server.log_mark()
            assert world.log_in(users[name]).code == "reject", name
            world.server.wait_for_log(why, after=mark)

        assert len(world.gateway.inbox.messages()) == len(PASTED)


def test_a_name_that_is_a_number_is_in_no_line_and_in_no_row_of_ours(tmp_path: Path) -> None:
    name = "491707654399"
    with World(tmp_path, users=[RadiusUser(name, "secret-word", "+491701234567")]) as world:
        assert world.log_in_wholly(world.users[0]).code == "accept"
        world.server.stop()

        assert name not in world.server.log_text()
        assert name not in str(world.sql("SELECT * FROM events"))
        assert world.sql("SELECT user FROM events WHERE kind = 'asked'")[0][0].startswith("*** **99 (")
