"""Whatever a call of the store or of a provider does: nobody gets in without the code, and log-ins go on afterwards."""

import dataclasses
import errno
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_plugin import assembly
from smsotp_plugin.errors import (
    AlreadyUsed,
    NotSent,
    Refused,
    StoreError,
    TooManyAttempts,
    Unknown,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.stores import schemes
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kind import Store
from tests.support.door import World, code_of, open_door
from tests.support.faulty import (
    PROVIDER_CALLS,
    STORE_CALLS,
    Fault,
    Faults,
    Hang,
    faulty_store,
    make_faulty,
    raises,
    raises_afterwards,
    returns,
)

REJECT, OK, HANDLED, NOOP = 0, 2, 3, 7

CONFIG = """
[store]
url = "sqlite://{directory}/smsotp.db"
[otp]
length = 8
[challenge]
resend_after = 0
[dispatch]
retries = 0
deadline = 2
"""
#: One of many, so that a gateway that has failed needs not be waited for.
GATEWAY = """
[gateways.mock{number}]
provider = "http"
URL = "{url}/sms"
RETURN_SUCCESS = "OK"
CONNECTIONS = 2
LOG_LEVEL = "{level}"
[gateways.mock{number}.options]
to = "{{phone}}"
text = "{{otp}}"
"""
FOREIGN = (
    RuntimeError("my-secret"),
    KeyError("my-secret"),
    MemoryError(),
    RecursionError(),
    OSError(errno.EMFILE, "my-secret"),
    sqlite3.DatabaseError("my-secret"),
    SystemExit(0),
    KeyboardInterrupt(),
)
#: What a store may say, where it has no reason to.
OF_THE_STORE = (
    StoreError("the store is gone"),
    UnknownChallenge("what is that"),
    AlreadyUsed("no"),
    TooManyAttempts("no"),
    WrongCode(3),
)
#: The same of a provider.
OF_A_PROVIDER = (NotSent("no"), Refused("no"), Unknown("perhaps"))
#: What makes a challenge another one; a mark that is genuine is left to it.
CHANGES: tuple[dict[str, Any], ...] = (
    {"user": "1000000"},
    {"seal": "0" * 32},
    {"expires": 4e9},
    {"created": 0.0},
    {"mark": ""},
    {"state": "0" * 32},
)
GARBAGE: tuple[object, ...] = (None, True, 0, -1, b"\x00", "garbage", (), [None], {"a": 1}, object())


def failures(errors: tuple[BaseException, ...]) -> dict[str, Fault]:
    """Return each error, raised before and after what was asked for was done."""
    return {
        f"{type(error).__name__} {word}": make(error)
        for error in errors
        for word, make in (("at once", raises), ("afterwards", raises_afterwards))
    }


def garbage() -> dict[str, Fault]:
    return {f"returns {value!r}": returns(value) for value in GARBAGE}


@dataclasses.dataclass(frozen=True)
class Pending:
    """Somebody who has been asked for a code."""

    name: str
    state: str
    code: str


class Site:
    """The door with a gateway, and people who log in."""

    def __init__(self, world: World, gateway: HttpGateway, store: Store) -> None:
        self._world = world
        self._inbox = gateway.inbox
        self._store = store
        self._people = itertools.count(1_000_000)
        #: Which gateway is meant for everybody at present.
        self.gateway = 0

    def first_leg(self, name: str) -> Any:
        """Return what the door says, having looked at its form."""
        return self._call("authenticate", name, "hello")

    def begin(self) -> Pending:
        """Begin a log-in while everything works."""
        name = str(next(self._people))
        answer = self.first_leg(name)
        assert code_of(answer) == HANDLED, answer
        state = next(value for attribute, _, value in answer[1] if attribute == "State")
        return Pending(name, state, self._inbox.wait(number=f"+49170{name}").code)

    def answer(self, pending: Pending, typed: str) -> int:
        """Give an answer as the policies do: looked at first, judged then; returns the last code."""
        looked = self._call("look", pending.name, typed, pending.state)
        if code_of(looked) != NOOP or ("SMSOTP-Result", ":=", "answer") not in looked[2]:
            return REJECT
        return code_of(self._call("authorize", pending.name, typed, pending.state))

    def log_in_wholly(self) -> int:
        pending = self.begin()
        return self.answer(pending, pending.code)

    def stop(self) -> None:
        self._world.door.detach()

    def find(self, pending: Pending) -> Challenge:
        """Return a challenge as the store itself has it."""
        found = self._store.find(pending.state, pending.name)
        assert isinstance(found, Challenge)
        return found

    @property
    def log(self) -> str:
        return self._world.log

    def _call(self, handler: str, name: str, typed: str, state: str = "") -> Any:
        request = [("User-Name", name), ("User-Password", typed)]
        if state:
            request.append(("State", f"0x{state.encode().hex()}"))
        control = (("SMSOTP-Phone", f"+49170{name}"), ("SMSOTP-Gateway", f"mock{self.gateway}"))
        answer = getattr(self._world.door, handler)({"request": tuple(request), "config": control})
        code_of(answer)
        return answer


class CannotStart(Exception):
    """The server would not start."""


@pytest.fixture
def of_store() -> Faults:
    return Faults()


@pytest.fixture
def of_provider() -> Faults:
    return Faults()


@pytest.fixture
def make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_store: Faults, of_provider: Faults
) -> Iterator[Callable[..., Site]]:
    open_store, build_gateways = schemes.open_store, assembly.build_gateways
    stores: list[Store] = []

    def store(*args: Any, **kwargs: Any) -> Any:
        stores.append(open_store(*args, **kwargs))
        return faulty_store(stores[-1], of_store)

    def gateways(*args: Any) -> Any:
        made = build_gateways(*args)
        for each in made:
            make_faulty(each, of_provider)
        return made

    monkeypatch.setattr(assembly, "open_store", store)
    monkeypatch.setattr(assembly, "build_gateways", gateways)
    with HttpGateway() as gateway, ExitStack() as opened:

        def make(count: int = 1, level: str = "info") -> Site:
            config = CONFIG.format(directory=tmp_path)
            for number in range(count):
                config += GATEWAY.format(number=number, url=gateway.url, level=level)
            world = opened.enter_context(open_door(tmp_path, monkeypatch, config))
            if world.door.instantiate({}) != OK:
                raise CannotStart(world.log)
            return Site(world, gateway, stores[-1])

        yield make


@pytest.fixture
def site(make: Callable[..., Site]) -> Site:
    return make()


def attack(site: Site, faults: Faults, call: str, fault: Fault) -> None:
    """Try to get in without the code while a call fails; every answer has to be one."""
    anna, bob, carol = site.begin(), site.begin(), site.begin()
    with faults.at(call, fault):
        tried = [
            code_of(site.first_leg("1999999")),
            site.answer(anna, "00000000"),
            site.answer(anna, bob.code),
            site.answer(dataclasses.replace(anna, state=bob.state), anna.code),
            site.answer(bob, "resend"),
            site.answer(bob, ""),
            site.answer(carol, carol.code[::-1] + "0"),
        ]
        site.answer(carol, carol.code)
    assert OK not in tried, call


def test_there_are_calls_that_can_fail() -> None:
    assert {"answer", "begin_attempts", "find", "open_challenge", "record"} <= {*STORE_CALLS}
    assert {"compose", "exchange", "judge", "probe"} <= {*PROVIDER_CALLS}


@pytest.mark.parametrize("call", STORE_CALLS)
def test_a_store_that_fails_lets_nobody_in_and_log_ins_go_on(site: Site, of_store: Faults, call: str) -> None:
    faults = failures(OF_THE_STORE + FOREIGN) | garbage()
    for fault in faults.values():
        attack(site, of_store, call, fault)
        assert site.log_in_wholly() == OK
    site.stop()

    assert "my-secret" not in site.log
    assert "given up" not in site.log
    assert "waits for the next start" not in site.log


@pytest.mark.parametrize("call", STORE_CALLS)
def test_a_store_that_gives_the_challenge_of_another_lets_nobody_in(
    site: Site, of_store: Faults, call: str
) -> None:
    others = site.begin()
    theirs = site.find(others)
    lies = [theirs, *(dataclasses.replace(theirs, **change) for change in CHANGES)]

    for lie in lies:
        attack(site, of_store, call, returns(lie))
    assert site.log_in_wholly() == OK


@pytest.mark.parametrize("call", STORE_CALLS)
@pytest.mark.parametrize("error", [StoreError("the store is gone"), RuntimeError("my-secret"), SystemExit(0)])
def test_a_stop_with_a_store_that_fails_ends(
    site: Site, of_store: Faults, call: str, error: BaseException
) -> None:
    site.begin()
    with of_store.at(call, raises_afterwards(error)):
        site.first_leg("1999999")
        site.stop()

    assert "my-secret" not in site.log


@pytest.mark.parametrize("call", sorted({*PROVIDER_CALLS} - {"open", "close"}))
@pytest.mark.parametrize("level", ["info", pytest.param("debug", marks=pytest.mark.shows_secrets)])
def test_a_provider_that_fails_lets_nobody_in_and_every_message_ends(
    make: Callable[..., Site], of_provider: Faults, call: str, level: str
) -> None:
    faults = failures(OF_A_PROVIDER + FOREIGN) | garbage()
    site = make(len(faults), level)
    for site.gateway, fault in enumerate(faults.values()):
        attack(site, of_provider, call, fault)
    site.stop()

    assert "my-secret" not in site.log
    assert "given up" not in site.log
    assert "waits for the next start" not in site.log


@pytest.mark.parametrize("call", sorted({*PROVIDER_CALLS} - {"open", "close"}))
def test_a_provider_that_hangs_keeps_no_log_in_waiting(site: Site, of_provider: Faults, call: str) -> None:
    hang = Hang()
    anna = site.begin()
    with of_provider.at(call, hang):
        asked = [code_of(site.first_leg(str(number))) for number in range(1_900_000, 1_900_020)]
        wrong, right = site.answer(anna, "00000000"), site.answer(anna, anna.code)
        hang.release()

    assert {*asked} == {HANDLED}
    assert (wrong, right) == (HANDLED, OK)


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)
def test_a_provider_that_cannot_be_opened_stops_the_start(
    make: Callable[..., Site], of_provider: Faults, error: BaseException
) -> None:
    with of_provider.at("open", raises(error)), pytest.raises(CannotStart) as told:
        make()

    assert "my-secret" not in str(told.value)


@pytest.mark.parametrize("error", [RuntimeError("my-secret"), SystemExit(0)])
def test_a_provider_that_cannot_be_closed_is_told_and_the_stop_ends(
    site: Site, of_provider: Faults, error: BaseException
) -> None:
    with of_provider.at("close", raises(error)):
        site.stop()

    assert f"the stop was not clean: unexpected {type(error).__name__}" in site.log
    assert "my-secret" not in site.log
