"""``dispatch.wait``: a failure is shown at once, for sites that want to wait for it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .system import World

UNDELIVERED = "The SMS with the code could not be delivered. Ask your administrator."


def test_a_refused_number_is_shown_instead_of_a_prompt(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nwait = 2") as world:
        anna = world.someone()
        world.gateway.faults.add(f"refuse for {anna.phone}")
        refused = world.log_in(anna)

        assert (refused.code, refused.prompt) == ("reject", UNDELIVERED)
        assert world.log_in_wholly(world.someone()).code == "accept"


def test_a_gateway_that_is_down_is_shown_instead_of_a_prompt(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nwait = 2\nretries = 0") as world:
        world.gateway.stop()
        refused = world.log_in(world.someone())

        assert (refused.code, refused.prompt) == ("reject", UNDELIVERED)


def test_a_slow_gateway_is_waited_for_no_longer_than_said(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nwait = 0.2", gateway="TIMEOUT = 30") as world:
        world.gateway.faults.add("delay 60s once")
        anna = world.someone()
        challenge = world.server.client(timeout=20).log_in(anna.name, anna.password)
        # Also where the message has not come there yet.
        world.gateway.faults.clear()

        assert challenge.code == "challenge"
        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"


def test_behind_a_slow_gateway_one_waits_and_everybody_is_answered_in_time(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nwait = 2", gateway="TIMEOUT = 30") as world:
        world.gateway.faults.add("delay 60s")
        # If each of them waited in turn, the last one would be answered after 100 s.
        client = world.server.client(timeout=30)
        users = [world.someone() for _ in range(50)]
        with ThreadPoolExecutor(50) as pool:
            asked = [pool.submit(client.log_in, user.name, user.password) for user in users]
            answers = [future.result() for future in asked]
        world.gateway.faults.clear()
        world.gateway.faults.release()

    # Leaving the world ends the server, which has to end by itself.
    assert [answer.code for answer in answers] == ["challenge"] * 50
