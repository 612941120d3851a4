"""What survives a stop, a kill and a reload, and that a stop is clean."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Semaphore

import pytest

from smsotp_mocks.inbox.inbox import NoMessage
from smsotp_mocks.servers.radius_client import Answer, NoAnswer

from .system import World, in_parallel, people

EXPIRED = "The code is no longer valid. Log in again to get a new one."


def test_every_code_that_was_sent_before_a_kill_works_after_it(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        challenges: dict[str, Answer] = {}
        with_prompt_and_sms = Semaphore(0)

        def log_in() -> None:
            user = world.someone()
            with suppress(NoAnswer, NoMessage):
                challenges[user.name] = world.server.client(timeout=2).log_in(user.name, user.password)
                # No longer than it can still come: most of them ask a server that has been killed.
                world.gateway.inbox.wait(number=user.phone, timeout=5)
                with_prompt_and_sms.release()

        with ThreadPoolExecutor(20) as pool:
            for _ in range(150):
                pool.submit(log_in)
            for _ in range(20):
                assert with_prompt_and_sms.acquire(timeout=60)
            world.server.kill()
        sent = {message.number for message in world.gateway.inbox.messages()}
        world.start()

        answers = [
            world.answer(user, world.code_of(user), challenges[user.name].state)
            for user in world.users
            if user.name in challenges and user.phone in sent
        ]
        assert len(answers) >= 20
        assert {answer.code for answer in answers} == {"accept"}


def test_what_was_begun_before_a_kill_goes_on_and_what_was_used_up_stays_so(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna, otto, emil = (world.someone() for _ in range(3))
        used, guessed, begun = (world.log_in(user) for user in (anna, otto, emil))
        codes = [world.code_of(user) for user in (anna, emil)]
        world.answer(anna, codes[0], used.state)
        before = [world.answer(otto, "wrong", guessed.state) for _ in range(4)]
        world.server.kill()
        world.start()

        again = world.log_in(emil)

        assert [answer.code for answer in before] == ["challenge"] * 4
        assert world.answer(otto, "wrong", guessed.state).code == "reject"
        assert world.answer(anna, codes[0], used.state).prompt == EXPIRED
        assert again.state == begun.state
        assert world.answer(emil, codes[1], begun.state).code == "accept"
        assert world.codes_of(emil) == [codes[1]]


@pytest.mark.parametrize("sections", ["", '[challenge]\non_wrong_code = "reject"'])
def test_an_expired_code_is_rejected_and_the_same_log_in_gets_a_new_one(
    tmp_path: Path, sections: str
) -> None:
    with World(tmp_path, sections=sections) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        world.server.stop()
        world.age(301)
        world.start()

        right, wrong = (world.answer(anna, typed, challenge.state) for typed in (code, "wrong"))
        mark = world.gateway.inbox.mark()
        again = world.log_in(anna)

        assert (right.code, right.prompt) == ("reject", EXPIRED)
        assert (wrong.code, wrong.prompt) == ("reject", EXPIRED)
        assert again.state != challenge.state
        assert world.answer(anna, world.code_of(anna, after=mark), again.state).code == "accept"


def test_a_stop_sends_a_hundred_queued_messages(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 4", gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        users = people(100)
        challenges = [world.log_in(user) for user in users]
        sent_before = len(world.gateway.inbox)
        world.gateway.faults.clear()
        world.gateway.faults.add("delay 50ms")
        world.gateway.faults.release()

        assert world.server.stop() == 0

        assert {challenge.code for challenge in challenges} == {"challenge"}
        assert sent_before < 100
        assert sorted(message.number for message in world.gateway.inbox.messages()) == sorted(
            user.phone or "" for user in users
        )


def test_codes_that_were_sent_during_a_stop_are_good_afterwards(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1") as world:
        world.gateway.faults.add("delay 50ms")
        users = [world.someone() for _ in range(10)]
        challenges = [world.log_in(user) for user in users]
        world.server.stop()
        world.start()

        answers = [
            world.answer(user, world.code_of(user), challenge.state)
            for user, challenge in zip(users, challenges, strict=True)
        ]

        assert [answer.code for answer in answers] == ["accept"] * 10


def test_a_stop_beside_a_gateway_that_never_answers_is_clean(tmp_path: Path) -> None:
    with World(tmp_path, gateway="TIMEOUT = 0.5") as world:
        world.gateway.faults.add("hang")
        users = [world.someone() for _ in range(3)]
        challenges = [world.log_in(user) for user in users]

        assert world.server.stop() == 0

        assert {challenge.code for challenge in challenges} == {"challenge"}
        assert world.server.log_text().count("no gateway took it") == 3


def test_stops_in_a_row_are_clean_also_before_the_first_log_in(tmp_path: Path) -> None:
    # Five, because nearly every test with a system of its own ends with a stop that has to be clean.
    with World(tmp_path) as world:
        statuses = [world.server.stop(expected=None)]
        for _ in range(4):
            world.start()
            in_parallel(4, lambda: world.log_in_wholly(world.someone()))
            statuses.append(world.server.stop(expected=None))

        assert statuses == [0] * 5


def test_a_hangup_changes_nothing(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        mark = world.server.log_mark()

        world.server.send_signal(signal.SIGHUP)
        world.server.wait_for_log("HUP", after=mark)

        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
        assert world.log_in_wholly(world.someone()).code == "accept"


def test_what_is_kept_holds_no_code_and_no_number_and_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    # A code so long that it does not stand in other digits by chance.
    with World(tmp_path, sections="[otp]\nlength = 10") as world:
        anna = world.someone()
        world.log_in(anna)
        code = world.code_of(anna).encode()
        world.log_in_wholly(world.someone())
        world.server.kill()

        kept = [path.read_bytes() for path in world.store.iterdir()]
        modes = {path.name: path.stat().st_mode & 0o777 for path in world.store.iterdir()}

        assert len(kept) >= 2
        assert all(code not in content for content in kept)
        assert all((anna.phone or "").encode() not in content for content in kept)
        assert set(modes.values()) == {0o600}, modes
