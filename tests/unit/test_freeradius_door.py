"""The door: one explicit code on every path, whatever happens behind it. The host is played by a module of the test."""

import errno
import os
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsotp_plugin.errors import StoreError
from tests.support.door import (
    BOB,
    NOOP,
    OK,
    REJECT,
    World,
    code_of,
    raiser,
    running,
    world,
)
from tests.support.interruption import interrupt_at_each_step

__all__ = ["running", "world"]


HANDLERS = ("look", "authorize", "authenticate", "post_auth", "note")


SAFE = {"look": REJECT, "authorize": REJECT, "authenticate": REJECT, "post_auth": NOOP, "note": REJECT}


SENSELESS: tuple[object, ...] = (
    {},
    {"request": None},
    {"request": ()},
    {"request": 5},
    {"request": (("User-Name",),)},
    {"request": (("User-Name", None),)},
    {"request": (("User-Name", "bob"),), "config": 7},
    None,
    (),
    "text",
    7,
)


def test_packets_that_cannot_be_read_are_told_up_to_a_number_a_minute(running: World) -> None:
    assert {running.door.authenticate({"request": ()}) for _ in range(1000)} == {REJECT}

    assert 1 <= len(running.radiusd.lines) <= 60
    assert "further ones of this minute are counted, not logged" in str(running.radiusd.lines[-1])


def test_a_first_leg_goes_through_the_door(running: World) -> None:
    code, reply, control = running.door.authenticate(BOB)

    assert code == 3
    assert [name for name, _, _ in reply] == [
        "Message-Authenticator",
        "State",
        "Reply-Message",
        "Session-Timeout",
    ]
    assert control == (
        ("Response-Packet-Type", ":=", "Access-Challenge"),
        ("SMSOTP-Result", ":=", "challenge"),
    )


@pytest.mark.parametrize("handler", HANDLERS)
def test_nobody_gets_in_before_the_start_and_after_the_end(world: World, handler: str) -> None:
    before = getattr(world.door, handler)(BOB)
    world.door.instantiate({})
    world.door.detach()
    after = getattr(world.door, handler)(BOB)

    assert before == after == SAFE[handler]


def test_requests_before_the_start_are_logged(world: World) -> None:
    world.door.authenticate(BOB)

    assert world.radiusd.lines == ["smsotp: not running, the user is refused"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_packet_that_makes_no_sense_is_rejected(running: World, handler: str) -> None:
    for packet in SENSELESS:
        assert code_of(getattr(running.door, handler)(packet)) == SAFE[handler], packet


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("my-secret"),
        KeyError("my-secret"),
        MemoryError(),
        RecursionError(),
        SystemExit(0),
        KeyboardInterrupt(),
        StoreError("the store is gone"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("log_is_broken", [False, True])
def test_a_failure_behind_the_door_lets_nobody_in(
    running: World, error: BaseException, *, log_is_broken: bool
) -> None:
    legs = ModuleType("legs")
    for name in ("look", "first_leg", "answer_leg", "after", "note"):
        setattr(legs, name, raiser(error))
    running.door._Running.legs = legs
    running.radiusd.broken = log_is_broken

    for handler in HANDLERS:
        before = len(running.log)
        assert code_of(getattr(running.door, handler)(BOB)) == SAFE[handler], handler
        told = running.log[before:]
        assert log_is_broken or "the user is refused" in told or "no notification is sent" in told, handler
    assert "my-secret" not in running.log


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    handler=st.sampled_from(HANDLERS),
    request=st.lists(
        st.tuples(
            st.sampled_from(["User-Name", "User-Password", "State", "Calling-Station-Id", "X"]),
            st.one_of(st.text(max_size=40), st.binary(max_size=40).map(lambda raw: "0x" + raw.hex())),
        ),
        max_size=6,
    ).map(tuple),
    control=st.lists(
        st.one_of(
            st.tuples(st.just("SMSOTP-Phone"), st.one_of(st.text(max_size=20), st.just("+491701234567"))),
            st.tuples(
                st.sampled_from(["SMSOTP-Gateway", "SMSOTP-Language", "SMSOTP-Notify"]), st.text(max_size=20)
            ),
        ),
        max_size=4,
    ).map(tuple),
)
def test_any_packet_gets_a_code_and_never_an_accept(
    running: World, handler: str, request: tuple[Any, ...], control: tuple[Any, ...]
) -> None:
    answer = getattr(running.door, handler)({"request": request, "config": control, "reply": None})

    assert code_of(answer) != OK
    assert "unexpected" not in running.log


def test_a_thread_that_dies_is_told_to_the_log_without_its_text(running: World) -> None:
    dying = threading.Thread(target=raiser(RuntimeError("my-secret")), name="some-thread")
    dying.start()
    dying.join()

    assert "the thread some-thread has ended: unexpected RuntimeError at " in running.log
    assert "my-secret" not in running.log


def test_no_secret_is_logged(running: World) -> None:
    running.door.authenticate(BOB)
    running.door.detach()

    assert "hello" not in running.log
    assert "1701234567" not in running.log


@pytest.mark.parametrize("handler", ["authenticate", "post_auth"])
def test_a_request_that_meets_the_end_of_the_server_is_no_unexpected_one(
    running: World, handler: str
) -> None:
    door, legs = running.door, running.door._Running.legs

    def begin() -> tuple[Callable[[], int], Callable[[], None]]:
        door._Running.legs = legs
        return lambda: code_of(getattr(door, handler)({"request": ()})), forget

    def forget() -> None:
        door._Running.legs = None

    function = door.post_auth if handler == "post_auth" else door._handle

    assert {*interrupt_at_each_step(function, begin)} == {SAFE[handler]}
    assert "unexpected" not in running.log


def test_what_the_system_says_of_an_unexpected_failure_is_told_and_no_name_with_it(running: World) -> None:
    legs = ModuleType("legs")
    legs.first_leg = raiser(OSError(errno.EMFILE, "my-secret", "my-secret"))  # type: ignore[attr-defined]
    running.door._Running.legs = legs

    assert running.door.authenticate(BOB) == REJECT
    assert f"unexpected OSError ({os.strerror(errno.EMFILE)}) at " in running.log
    assert "my-secret" not in running.log
