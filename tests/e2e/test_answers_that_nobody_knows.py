"""Answers to challenges that the server does not know any more: they go to the first factor, as the pages say."""

import subprocess
from pathlib import Path

from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.file_events import wait_for_files
from tests.support.moved_clock import MovedClock

from .raddbs import SMSOTP
from .sites import first_factor_record, site_world
from .system import World

ANNA = RadiusUser("anna", "hello", "+491701234567", "Auth-Type := FIRST")
KEYS = ("a key of at least thirty-two characters", "another key of at least thirty-two characters")


def trace(world: World, who: str) -> str:
    command: list[str | Path] = [SMSOTP, "trace", who, "--config", world.server.config_file]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60).stdout


def test_with_another_key_an_answer_is_a_password_and_the_same_log_in_a_new_one(tmp_path: Path) -> None:
    with site_world(tmp_path, users=[ANNA], sections=f'key = "{KEYS[0]}"') as world:
        challenge = world.log_in(ANNA)
        code = world.code_of(ANNA)
        world.server.stop()
        config = world.server.config_file
        config.write_text(config.read_text().replace(*KEYS))
        world.start()
        mark = world.gateway.inbox.mark()

        answer = world.answer(ANNA, code, challenge.state)
        again = world.log_in(ANNA)
        second = world.code_of(ANNA, after=mark)

        assert answer.code == "reject"
        assert first_factor_record(world)[-2:] == [f"{ANNA.name}: {code}", f"{ANNA.name}: {ANNA.password}"]
        assert again.state != challenge.state
        assert world.answer(ANNA, second, again.state).code == "accept"
        by_name, by_number = (trace(world, who) for who in (ANNA.name, str(ANNA.phone)))
        assert (by_name.count(" asked "), by_number.count(" asked ")) == (2, 1)


def test_twenty_minutes_after_its_end_an_answer_is_a_password(
    tmp_path: Path, moved_clock: MovedClock
) -> None:
    with site_world(tmp_path / "world", users=[ANNA], environment=moved_clock.environment) as world:
        challenge = world.log_in(ANNA)
        code = world.code_of(ANNA)
        # The State itself says, to within ten minutes, when its challenge ends; the store keeps that for ten minutes more.
        moved_clock.move(301 + 1200)
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM challenges") == [(0,)])

        answer = world.answer(ANNA, code, challenge.state)

        assert (answer.code, answer.prompt) == ("reject", "")
        assert first_factor_record(world)[-1] == f"{ANNA.name}: {code}"
