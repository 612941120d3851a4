"""Whoever was asked for a code gets the SMS, also when the server dies in between; and nobody gets two."""

from collections import Counter
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from smsotp_plugin.stores.sqlite.attempts import find_notes, list_owners, read_notes
from tests.faults.two_gateways import two_gateways
from tests.support.file_events import wait_for_files
from tests.support.redis import PATIENCE

from .system import World

LOST = "unknown: the server ended during the attempt"
QUEUED = 200
UNDER_WAY = 4
WORKERS = f"[dispatch]\nworkers = {UNDER_WAY}"


def sms(*gateways: HttpGateway) -> Counter[str]:
    """Return how many SMS each number got."""
    return Counter(message.number or "" for gateway in gateways for message in gateway.inbox.messages())


def under_way(world: World) -> int:
    """Return how many messages a gateway may have."""
    database = world.store / "smsotp.db"
    return sum(len(read_notes(find_notes(database, owner))) for owner in list_owners(database))


def is_under_way(world: World, challenge: Answer) -> bool:
    """Tell whether it is noted that a gateway may have the SMS of a challenge."""
    database = world.store / "smsotp.db"
    noted = (key for owner in list_owners(database) for key in read_notes(find_notes(database, owner)))
    return challenge.state in {state.encode() for state, _ in noted}


def log_in_all(
    world: World, count: int, workers: int = 1, *, asleep: HttpGateway | None = None
) -> dict[str, tuple[RadiusUser, Answer]]:
    """
    Log people in at a sleeping gateway that takes some at once.

    Args:
        world: Its own gateway sleeps, or another one.
        count: How many people.
        workers: How many messages the gateway takes.
        asleep: The other one.

    Returns:
        Them by number, with what they were answered.
    """
    gateway = asleep or world.gateway
    people = [world.someone() for _ in range(count)]
    with gateway.inbox.subscribe() as told:
        promised = {user.phone or "": (user, world.log_in(user)) for user in people}
        # A challenge is written a moment after it was answered.
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(count,)])
        wait_for_files(world.store, lambda: under_way(world) == workers)
        # Of an attempt that is noted and has not come there, nobody could say that it never will.
        while len(gateway.requests) < workers:
            assert told.get(PATIENCE) is not None
    return promised


def test_two_hundred_that_wait_for_a_sleeping_gateway_get_their_sms_after_a_kill(tmp_path: Path) -> None:
    with World(tmp_path, sections=WORKERS, gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        promised = log_in_all(world, QUEUED, UNDER_WAY)
        world.server.kill()
        world.gateway.faults.clear()
        world.gateway.faults.release()
        mark = world.server.log_mark()
        world.start()
        accepted = {
            world.answer(user, world.code_of(user), challenge.state).code
            for user, challenge in promised.values()
        }
        log = world.logged(mark)

        assert {challenge.code for _, challenge in promised.values()} == {"challenge"}
        assert accepted == {"accept"}
        assert sms(world.gateway) == Counter(list(promised))
        assert log.count(LOST) == UNDER_WAY
        assert f"{QUEUED} messages were waiting or under way" in log
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(0,)])


@pytest.mark.parametrize(("on_unknown", "twice"), [("next", UNDER_WAY), ("stop", 0)])
def test_only_attempts_that_were_under_way_may_come_twice_and_the_setting_decides(
    tmp_path: Path, on_unknown: str, twice: int
) -> None:
    sections = f'{WORKERS}\non_unknown = "{on_unknown}"\n'
    with two_gateways(tmp_path, sections=sections, timeout=100) as (world, first):
        first.faults.add("delay 300s")
        promised = log_in_all(world, 20, UNDER_WAY, asleep=first)
        world.server.kill()
        first.faults.clear()
        first.faults.release()
        world.start()
        for number in promised:
            world.gateway.inbox.wait(number=number, gateway="first")
        for _ in range(UNDER_WAY):
            world.log_in_wholly(world.someone())
        got = Counter(
            message.number for message in world.gateway.inbox.messages() if message.number in promised
        )

        assert Counter(got.values()) == Counter({1: 20 - twice} | ({2: twice} if twice else {}))
        assert world.server.log_text().count(LOST) == UNDER_WAY


def test_a_code_that_is_sent_again_survives_as_well(tmp_path: Path) -> None:
    sections = "[dispatch]\nworkers = 1\n[challenge]\nresend_after = 0"
    with World(tmp_path, sections=sections, gateway="TIMEOUT = 100") as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        world.gateway.faults.add("delay 300s")
        other = world.log_in(world.someone())
        # Or the code that is sent again would be under way itself, and its outcome unknown.
        wait_for_files(world.store, lambda: is_under_way(world, other))
        again = world.answer(anna, "", challenge.state)
        mark = world.gateway.inbox.mark()
        world.server.kill()
        world.gateway.faults.clear()
        world.start()

        assert again.code == "challenge"
        assert world.code_of(anna, after=mark) == code
        assert world.answer(anna, code, challenge.state).code == "accept"


def test_what_was_answered_or_has_expired_is_not_sent_after_a_kill_and_the_trace_says_so(
    tmp_path: Path,
) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1", gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        promised = log_in_all(world, 3)
        world.server.kill()
        world.sql("UPDATE challenges SET expires = expires - 301, created = created - 301")
        mark = world.server.log_mark()
        world.gateway.faults.clear()
        world.start()
        world.log_in_wholly(world.someone())

        assert world.logged(mark).count("its log-in is over, its code is no longer valid") == 3
        assert sms(world.gateway).keys().isdisjoint(list(promised)[1:])
        assert world.sql("SELECT count(*) FROM events WHERE kind = 'dropped'") == [(3,)]
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(0,)])


def test_with_another_key_what_was_left_is_told_and_not_sent(tmp_path: Path) -> None:
    with World(tmp_path, sections="[dispatch]\nworkers = 1", gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        promised = log_in_all(world, 3)
        world.server.kill()
        (world.store / "smsotp.key").write_text("0123456789abcdef" * 4)
        mark = world.server.log_mark()
        world.gateway.faults.clear()
        world.start()
        world.log_in_wholly(world.someone())

        assert world.logged(mark).count("it cannot be unsealed: [store] key has another value since") == 3
        assert sms(world.gateway).keys().isdisjoint(list(promised)[1:])
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM messages") == [(0,)])


def test_a_living_server_keeps_its_messages_and_the_other_one_takes_them_over_when_it_dies(
    tmp_path: Path,
) -> None:
    sections = "[dispatch]\nworkers = 1"
    with (
        World(tmp_path / "one", sections=sections, gateway="TIMEOUT = 100") as one,
        World(tmp_path / "two", store=one.store, sections=sections) as two,
    ):
        one.gateway.faults.add("delay 300s")
        promised = log_in_all(one, 5)
        for user in two.users[100:103]:
            two.log_in_wholly(user)
        taken_from_the_living = two.server.log_text().count("waiting or under way")
        one.server.kill()
        got = {number: two.gateway.inbox.wait(number=number).number for number in list(promised)[1:]}
        one.gateway.faults.clear()
        one.gateway.faults.release()
        one.start()
        one.log_in_wholly(one.users[200])

        assert taken_from_the_living == 0
        assert set(got) == set(promised) - {next(iter(promised))}
        assert [sms(one.gateway, two.gateway)[number] for number in promised] == [1] * 5
        two.server.wait_for_log("waiting or under way")


def test_messages_that_are_kept_hold_neither_code_nor_number(tmp_path: Path) -> None:
    # Codes so long that none stands in other digits by chance.
    sections = "[dispatch]\nworkers = 1\n[otp]\nlength = 10"
    with World(tmp_path, sections=sections, gateway="TIMEOUT = 100") as world:
        world.gateway.faults.add("delay 300s")
        promised = log_in_all(world, 3)
        world.server.kill()
        kept = [path.read_bytes() for path in world.store.iterdir() if path.name != "smsotp.key"]
        rows = world.sql("SELECT count(*) FROM messages")
        world.gateway.faults.clear()
        world.gateway.faults.release()
        world.start()
        codes = [world.code_of(user) for user, _ in promised.values()]

        assert rows == [(3,)]
        assert all(number[1:].encode() not in content for number in promised for content in kept)
        assert all(code.encode() not in content for code in codes for content in kept)
