"""A State in the wrong hands or in another form: nobody gets in with it, and it costs its owner nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer, RadiusClient
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY
from tests.support.file_events import wait_for_files

from .system import World, in_parallel
from .test_two_sites import enable

_LONGEST = 253  # bytes of an attribute
_TTL = 300.0  # seconds, by default


@dataclass(frozen=True)
class Pending:
    """A challenge that waits for its code, and who could answer it."""

    user: RadiusUser
    state: bytes
    code: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("states")) as running:
        yield running


def begin(world: World, user: RadiusUser | None = None, **attributes: object) -> Pending:
    """Begin a log-in and wait for its code."""
    user = user or world.someone()
    mark = world.gateway.inbox.mark()
    challenge = world.log_in(user, **attributes)
    return Pending(user, challenge.state, world.code_of(user, after=mark))


def answer(world: World, pending: Pending, state: bytes, **attributes: object) -> Answer:
    """Give the right code, with another State."""
    return world.answer(pending.user, pending.code, state, **attributes)


def expect_untouched(world: World, *pending: Pending) -> None:
    """Fail unless every try is left and each code is still good."""
    for each in pending:
        assert world.sql("SELECT tries_left FROM challenges WHERE state = ?", each.state.decode()) == [(5,)]
        assert answer(world, each, each.state).code == "accept"


def test_a_state_is_worth_nothing_once_it_was_used(world: World) -> None:
    used = begin(world)
    assert answer(world, used, used.state).code == "accept"

    replayed = in_parallel(20, answer, world, used, used.state)
    elsewhere = [answer(world, used, used.state, NAS_Identifier=name) for name in ("vpn", "desk")]
    with_password = world.answer(used.user, used.user.password, used.state)

    assert {answer.code for answer in (*replayed, *elsewhere, with_password)} == {"reject"}
    assert world.codes_of(used.user) == [used.code]


def test_a_state_that_was_used_is_worth_nothing_beside_the_next_log_in(world: World) -> None:
    used = begin(world)
    assert answer(world, used, used.state).code == "accept"
    again = begin(world, used.user)

    mixed = [world.answer(used.user, again.code, used.state), world.answer(used.user, used.code, again.state)]

    assert [answer.code for answer in mixed] == ["reject", "challenge"]
    assert answer(world, again, again.state).code == "accept"


def test_states_that_are_swapped_between_users_let_nobody_in(world: World) -> None:
    people = [begin(world) for _ in range(10)]
    others = [*people[1:], people[0]]

    own_code = [answer(world, each, other.state) for each, other in zip(people, others, strict=True)]
    their_code = [
        world.answer(each.user, other.code, other.state) for each, other in zip(people, others, strict=True)
    ]

    assert {answer.code for answer in (*own_code, *their_code)} == {"reject"}
    expect_untouched(world, *people)


def test_states_that_are_swapped_between_clients_let_nobody_in(world: World) -> None:
    vpn = begin(world, NAS_Identifier="vpn")
    desk = begin(world, vpn.user, NAS_Identifier="desk")

    swapped = [
        answer(world, vpn, desk.state, NAS_Identifier="vpn"),
        answer(world, desk, vpn.state, NAS_Identifier="desk"),
        answer(world, vpn, desk.state, NAS_Identifier="desk"),
        answer(world, desk, vpn.state, NAS_Identifier="vpn"),
    ]

    assert {answer.code for answer in swapped} == {"challenge"}
    for each, client in ((vpn, "vpn"), (desk, "desk")):
        assert answer(world, each, each.state, NAS_Identifier=client).code == "accept"


def test_states_that_are_swapped_between_sites_let_nobody_in(tmp_path: Path) -> None:
    port = find_free_udp_port()
    world = World(tmp_path)
    enable(world.server, port)
    inner = RadiusClient(("127.0.0.1", port))
    with world:
        here = begin(world)
        mark = world.gateway.inbox.mark()
        there = inner.exchange(inner.request(here.user.name, "better"))
        code_there = world.code_of(here.user, after=mark)

        swapped = [
            inner.answer(here.user.name, here.code, here.state),
            inner.answer(here.user.name, code_there, here.state),
            world.answer(here.user, code_there, there.state),
            world.answer(here.user, here.code, there.state),
        ]

        assert {answer.code for answer in swapped} == {"reject"}
        assert answer(world, here, here.state).code == "accept"
        assert inner.answer(here.user.name, code_there, there.state).code == "accept"


def test_a_state_that_is_cut_off_lets_nobody_in(world: World) -> None:
    pending = begin(world)

    front = [answer(world, pending, pending.state[:length]) for length in range(1, 32)]
    back = [answer(world, pending, pending.state[length:]) for length in range(1, 32)]

    assert {answer.code for answer in (*front, *back)} == {"reject"}
    assert world.codes_of(pending.user) == [pending.code]
    expect_untouched(world, pending)


@pytest.mark.parametrize("filler", [b"0", b"\0", b" ", b"\xff", b"%", b"'"], ids=repr)
def test_a_state_that_is_made_longer_lets_nobody_in(world: World, filler: bytes) -> None:
    pending = begin(world)
    state = pending.state

    longer = [
        answer(world, pending, made)
        for made in (
            state + filler,
            filler + state,
            state.ljust(_LONGEST, filler),
            state.rjust(_LONGEST, filler),
            state[:16] + filler * (_LONGEST - len(state)) + state[16:],
        )
    ]

    assert {answer.code for answer in longer} == {"reject"}
    expect_untouched(world, pending)


def test_a_state_that_is_repeated_or_spelled_differently_lets_nobody_in(world: World) -> None:
    pending = begin(world)
    state = pending.state

    others = [
        answer(world, pending, made)
        for made in ((state * 8)[:_LONGEST], state[::-1], bytes.fromhex(state.decode()), b"0x" + state)
    ]
    if state.upper() != state:
        others.append(answer(world, pending, state.upper()))

    assert {answer.code for answer in others} == {"reject"}
    expect_untouched(world, pending)


def test_a_state_of_a_challenge_that_was_removed_lets_nobody_in(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        old = begin(world)
        world.server.stop()
        world.age(_TTL + KEPT_AFTER_EXPIRY + 1)
        world.start()
        wait_for_files(world.store, lambda: world.sql("SELECT count(*) FROM challenges") == [(0,)])

        late = answer(world, old, old.state)
        with_password = world.answer(old.user, old.user.password, old.state)

        assert (late.code, late.state) == ("reject", b"")
        assert with_password.code == "challenge"
        assert with_password.state != old.state
        assert world.answer(old.user, world.codes_of(old.user)[0], with_password.state).code == "challenge"
