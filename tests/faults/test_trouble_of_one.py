"""One person's messages fail, or the account does: what the others notice, through the real server."""

from collections import Counter
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser
from tests.e2e.system import UNAVAILABLE, World, people

from .two_gateways import two_gateways


@pytest.mark.parametrize(
    "fault", ["status 500", "garbage", "hang", "throttle", "status 429", "status 403", "status 402"]
)
def test_a_number_at_which_the_gateway_fails_costs_nobody_else_the_log_in(tmp_path: Path, fault: str) -> None:
    # Short only where it has to pass: a busy machine makes a good gateway slow, and that costs others their log-ins.
    timeout = 0.3 if fault == "hang" else 100
    with World(tmp_path, gateway=f"TIMEOUT = {timeout}", sections="[challenge]\nresend_after = 0\n") as world:
        mallory = world.someone()
        world.log_in_wholly(world.someone())
        world.gateway.faults.add(f"{fault} for {mallory.phone}")
        answers = Counter[str]()
        for _ in range(20):
            for station in range(5):
                world.log_in(mallory, Calling_Station_Id=f"{station}")
            answers[world.log_in_wholly(world.someone()).code] += 1
        world.gateway.faults.clear()

        assert answers == {"accept": 20}


def test_an_account_that_is_refused_costs_one_person_the_log_in(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.gateway.faults.add("status 401")
        first = world.log_in(world.someone())
        world.server.wait_for_log("gateway mock refuses the account")
        # The gateway is probed at once, and takes connections.
        others = [world.log_in(world.someone()) for _ in range(5)]

        assert first.code == "challenge"
        assert {(answer.code, answer.prompt) for answer in others} == {("reject", UNAVAILABLE)}
        assert "answers again" not in world.server.log_text()


def test_a_named_gateway_that_is_dead_is_not_replaced_by_another(tmp_path: Path) -> None:
    named = RadiusUser("named", "secret-word", "+491721234569", 'SMSOTP-Gateway := "first"')
    users = [named, *people(10)]
    with two_gateways(tmp_path, sections="[dispatch]\nretries = 0\n", users=users) as (world, first):
        first.stop()
        world.someone()
        for _ in range(3):
            world.log_in_wholly(world.someone())
        world.server.wait_for_log("gateway first fails again and again")
        refused = world.log_in(named)

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)
        assert world.log_in_wholly(world.someone()).code == "accept"
        assert "no gateway of route named is alive (first)" in world.server.log_text()


def test_a_code_that_was_used_goes_through_no_second_gateway(tmp_path: Path) -> None:
    with two_gateways(tmp_path) as (world, first):
        first.faults.add("mute")
        anna = world.someone()
        challenge = world.log_in(anna)
        accepted = world.answer(anna, world.code_of(anna), challenge.state)
        # However long the log-in took: only now does the attempt end, and nobody knows how.
        first.drop_connections()
        world.server.wait_for_log("nothing more is tried")

        assert accepted.code == "accept"
        assert [message.gateway for message in world.gateway.inbox.messages(number=anna.phone)] == ["first"]
