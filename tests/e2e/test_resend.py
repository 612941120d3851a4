"""Somebody whose SMS does not come asks for another one, at the prompt."""

from pathlib import Path

import pytest

from tests.faults.two_gateways import two_gateways


@pytest.mark.parametrize("typed", ["resend", ""])
def test_the_same_code_comes_through_the_next_gateway(tmp_path: Path, typed: str) -> None:
    with two_gateways(tmp_path, sections="[challenge]\nresend_after = 0\n") as (world, first):
        first.faults.add("lose")
        anna = world.someone()
        challenge = world.log_in(anna)
        world.server.wait_for_log("gateway first took it")
        again = world.answer(anna, typed, challenge.state)
        sms = world.gateway.inbox.wait(number=anna.phone)

        assert (again.code, again.state) == ("challenge", challenge.state)
        assert sms.gateway == "http"
        assert world.answer(anna, sms.code, challenge.state).code == "accept"


def test_gateways_that_share_by_weight_are_changed_too(tmp_path: Path) -> None:
    sections = """
[challenge]
resend_after = 0
max_resends = 1
[[routes]]
gateways = ["first", "mock"]
weights = [1, 1]
"""
    with two_gateways(tmp_path, sections=sections) as (world, _):
        users = [world.someone() for _ in range(12)]
        for user in users:
            challenge = world.log_in(user)
            mark = world.gateway.inbox.wait(number=user.phone).id
            world.answer(user, "resend", challenge.state)
            world.code_of(user, after=mark)
        gateways = [{sms.gateway for sms in world.gateway.inbox.messages(user.phone)} for user in users]
        codes = [len(set(world.codes_of(user))) for user in users]

        assert gateways == [{"first", "http"}] * 12
        assert codes == [1] * 12


def test_the_pace_and_the_limit_are_said_at_the_prompt(tmp_path: Path) -> None:
    with two_gateways(tmp_path, sections="[challenge]\nmax_resends = 0\n") as (world, _):
        anna = world.someone()
        challenge = world.log_in(anna)
        none_left = world.answer(anna, "resend", challenge.state)

        assert (
            none_left.prompt
            == f"No further SMS can be sent. Enter the code sent to +49 *** **{str(anna.phone)[-2:]}"
        )

    with two_gateways(tmp_path / "paced") as (world, _):
        anna = world.someone()
        challenge = world.log_in(anna)
        too_early = world.answer(anna, "resend", challenge.state)
        code = world.code_of(anna)

        assert "A further SMS can be sent in" in too_early.prompt
        assert world.codes_of(anna) == [code]
        assert world.answer(anna, code, challenge.state).code == "accept"
