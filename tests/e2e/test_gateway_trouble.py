"""A gateway that is down, slow or full delays nobody, and nobody gets in without a code."""

from pathlib import Path

from .system import UNAVAILABLE, World, in_parallel

UNDELIVERED = "The SMS with the code could not be delivered. Ask your administrator."


def test_two_hundred_log_ins_pass_beside_a_gateway_that_sleeps(tmp_path: Path) -> None:
    with World(tmp_path, gateway="TIMEOUT = 30") as world:
        sleeper = world.someone()
        world.gateway.faults.add(f"delay 300s for {sleeper.phone}")
        slow = world.log_in(sleeper)

        answers = in_parallel(200, lambda: world.log_in_wholly(world.someone()))
        sent_meanwhile = world.codes_of(sleeper)
        world.gateway.faults.release()
        accepted = world.answer(sleeper, world.code_of(sleeper), slow.state)

        assert [answer.code for answer in answers] == ["accept"] * 200
        assert sent_meanwhile == []
        assert accepted.code == "accept"


def test_first_legs_pass_while_every_sender_waits_for_a_gateway(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 2", gateway="TIMEOUT = 30") as world:
        world.gateway.faults.add("delay 300s 2 times")

        users = [world.someone() for _ in range(100)]
        answers = [world.server.client(timeout=20).log_in(user.name, user.password) for user in users]
        world.gateway.faults.clear()

        assert [answer.code for answer in answers] == ["challenge"] * 100
        assert len({world.code_of(user) for user in users}) > 90


def test_nobody_gets_in_while_the_gateway_is_down(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        world.gateway.stop()

        challenge = world.log_in(anna)
        world.server.wait_for_log("no gateway took it")

        refused = world.answer(anna, "000000", challenge.state)

        assert challenge.code == "challenge"
        assert (refused.code, refused.prompt) == ("reject", UNDELIVERED)
        assert world.answer(anna, "", challenge.state).code == "reject"


def test_a_log_in_is_refused_at_once_when_the_gateway_is_known_to_be_dead(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nretries = 0") as world:
        world.gateway.stop()
        for _ in range(3):
            world.log_in(world.someone())
        world.server.wait_for_log("fails again and again")

        refused = world.log_in(world.someone())

        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)


def test_a_full_queue_is_said_to_the_user_and_to_the_log(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1\nqueue = 2", gateway="TIMEOUT = 30") as world:
        world.gateway.faults.add("delay 300s once")
        answers = [world.log_in(world.someone()) for _ in range(10)]
        mark = world.server.log_mark()
        refused = world.log_in(world.someone())
        world.server.wait_for_log("dispatch.queue", after=mark)
        world.gateway.faults.clear()
        world.server.wait_for_log("took it")

        assert answers[0].code == "challenge"
        assert (refused.code, refused.prompt) == ("reject", UNAVAILABLE)


def test_the_log_names_the_gateway_and_the_trouble(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        world.gateway.faults.add("unavailable once; refuse once")
        world.log_in(anna)

        world.server.wait_for_log("gateway mock: not sent")
        world.server.wait_for_log("no gateway took it")
