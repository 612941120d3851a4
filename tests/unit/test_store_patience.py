"""A store that hangs keeps no log-in waiting longer than a limit, and nobody while it hangs."""

import inspect
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.errors import AlreadyUsed, StoreError, UnknownChallenge
from smsotp_plugin.stores import patient
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.patient import DIRECT, Patience, PatientStore
from smsotp_plugin.stores.sqlite.store import SqliteStore
from smsotp_plugin.stores.sqlite.writing import STUCK_AFTER
from tests.support.challenges import RIGHT, WINDOW, WRONG, challenge, name_outcome
from tests.support.clock import FakeClock
from tests.support.faulty import STORE_CALLS, Faults, Hang, faulty_store, raises, returns
from tests.support.parcels import SomeParcel, begin
from tests.support.redis import once

LIMIT = 0.05
#: What a log-in may wait for.
PATIENT = sorted({*STORE_CALLS} - DIRECT - {"listen", "close"})


class Patients:
    """A patient store around one that can hang."""

    def __init__(self, path: Path, clock: FakeClock, limit: float) -> None:
        self._clock = clock
        self.faults = Faults()
        self.inner = SqliteStore(path, WINDOW, 86400.0, clock)
        self.at_once = False
        self.store = cast(
            "Store",
            PatientStore(
                faulty_store(self.inner, self.faults), lambda _: self.at_once, self.inner.take_back, limit
            ),
        )

    def call(self, name: str) -> Any:
        """Make a call of the contract; what is handed over does not matter to one that fails."""
        count = len(inspect.signature(getattr(Store, name)).parameters) - 1
        if name == "open_challenge":
            return self.store.open_challenge(cast("Any", challenge(self._clock)), cast("Any", None))
        return getattr(self.store, name)(*[None] * count)


@pytest.fixture
def patients(path: Path, clock: FakeClock) -> Iterator[Patients]:
    made = Patients(path, clock, LIMIT)
    yield made
    made.store.close()


@pytest.fixture
def healthy(path: Path, clock: FakeClock) -> Iterator[Patients]:
    """Give one whose store answers in time, however busy the machine is."""
    made = Patients(path, clock, 60.0)
    yield made
    made.store.close()


def test_what_is_called_directly_is_in_the_contract() -> None:
    assert {*dir(Store)} > DIRECT
    assert {"answer", "find", "find_same", "flush", "open_challenge", "resend"} <= {*PATIENT}


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("name", PATIENT)
def test_no_call_waits_for_a_store_that_hangs(patients: Patients, name: str, *, at_once: bool) -> None:
    hang = Hang()
    with patients.faults.at(name, lambda _: hang(lambda: None)):
        hang.let(lambda: patients.call(name), StoreError)
        # A log-in that needs no disk now could not be written either.
        patients.at_once = at_once
        for other in PATIENT:
            with pytest.raises(StoreError, match="has not answered for"):
                patients.call(other)

        assert patients.faults.hits == 1
        hang.release()


@pytest.mark.parametrize("name", PATIENT)
def test_calls_work_again_once_the_store_answers(patients: Patients, name: str) -> None:
    hang, answered = Hang(), threading.Event()
    with patients.faults.at(name, lambda _: hang(answered.set)):
        hang.let(lambda: patients.call(name), StoreError)
    hang.release()
    answered.wait()

    with patients.faults.at(name, returns(5)):
        assert until_it_answers(patients, name) == 5


def until_it_answers(patients: Patients, name: str) -> Any:
    """Call until the thread that hung has told that it does not any more."""
    while True:
        try:
            return patients.call(name)
        except StoreError:
            pass


def test_what_nobody_waits_for_any_more_is_not_done(patients: Patients) -> None:
    hang = Hang()
    with patients.faults.at("find", lambda _: hang(lambda: None)), ThreadPoolExecutor(2) as pool:
        first = pool.submit(hang.let, lambda: patients.call("find"), StoreError)
        hang.wait()
        second = pool.submit(patients.call, "flush")
        assert first.exception() is None
        assert isinstance(second.exception(), StoreError)
    with patients.faults.at("flush", returns(None)):
        hang.release()
        until_it_answers(patients, "flush")

        assert patients.faults.hits == 1


def test_a_right_code_is_right_once_more_that_the_store_judged_too_late(
    patients: Patients, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    new, hang = begin(patients.inner, challenge(clock)), Hang()

    def answer() -> str:
        return name_outcome(lambda: patients.store.answer(new.state, new.user, RIGHT, clock.time()))

    with patients.faults.at("answer", hang):
        hang.let(answer, StoreError)
    hang.release()

    assert [once(answer), once(answer)] == ["accepted", "AlreadyUsed"]
    assert (
        f"challenge {reference_of(new.state)} can be answered again: its code was right, but the store said so too late"
        in caplog.messages
    )


@pytest.mark.parametrize("seal", [RIGHT, WRONG])
def test_what_could_not_be_judged_is_not_taken_back(patients: Patients, clock: FakeClock, seal: str) -> None:
    new, hang = begin(patients.inner, challenge(clock)), Hang()
    patients.inner.answer(new.state, new.user, RIGHT, clock.time())
    with patients.faults.at("answer", hang):
        hang.let(lambda: patients.store.answer(new.state, new.user, seal, clock.time()), StoreError)
    hang.release()

    with pytest.raises(AlreadyUsed):
        once(lambda: patients.store.answer(new.state, new.user, RIGHT, clock.time()))


def test_a_use_that_cannot_be_taken_back_ends_no_thread(patients: Patients, clock: FakeClock) -> None:
    hang, gone = Hang(), cast("Any", object())
    with patients.faults.at("answer", lambda _: hang(lambda: gone)):
        hang.let(lambda: patients.store.answer("a" * 32, "bob", RIGHT, clock.time()), StoreError)
    hang.release()

    with pytest.raises(UnknownChallenge):
        once(lambda: patients.store.answer("a" * 32, "bob", RIGHT, clock.time()))


@pytest.mark.parametrize("error", [UnknownChallenge("no"), RuntimeError("no"), SystemExit(0)])
def test_what_a_store_raises_is_raised(healthy: Patients, error: BaseException) -> None:
    with healthy.faults.at("find", raises(error)), pytest.raises(type(error)) as raised:
        healthy.call("find")

    assert raised.value is error


def test_a_first_leg_that_needs_no_disk_is_handed_to_no_other_thread(
    healthy: Patients, clock: FakeClock
) -> None:
    threads = []

    def note(_: object) -> None:
        threads.append(threading.current_thread())

    for healthy.at_once in (True, False):
        with healthy.faults.at("open_challenge", note):
            begin(healthy.store, challenge(clock))

    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


def test_the_listener_may_call_the_store_that_waits_for_it(healthy: Patients, clock: FakeClock) -> None:
    found = []

    def listen(kept: object) -> None:
        (parcel,) = cast("list[SomeParcel]", kept)
        found.append(healthy.store.find(parcel.challenge.state, parcel.challenge.user))
        healthy.store.flush()

    healthy.store.listen(listen)
    new = begin(healthy.store, challenge(clock))
    healthy.store.flush()

    assert found == [new]


def test_a_log_in_is_promised_no_code_while_the_disk_hangs(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, 86400.0, clock)
    disk_clock = store._writing.disk_clock = FakeClock()
    hang, insert = Hang(), store._file.insert
    store._file.insert = lambda *args: hang(lambda: insert(*args))  # type: ignore[method-assign]  # the disk
    first = begin(store, challenge(clock))
    hang.wait()
    disk_clock.advance(STUCK_AFTER)
    begin(store, challenge(clock))
    disk_clock.advance(0.1)

    with pytest.raises(StoreError, match="the disk hangs"):
        begin(store, challenge(clock))
    hang.release()
    store.flush()
    assert begin(store, challenge(clock)) != first
    store.close()


@pytest.mark.parametrize("name", PATIENT)
def test_what_comes_after_the_end_is_refused_at_once_and_no_disk_is_blamed(
    patients: Patients, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    patients.store.close()

    with pytest.raises(StoreError, match="the store is closed"):
        patients.call(name)
    assert "disk" not in caplog.text


class LateQueue(queue.SimpleQueue[Any]):
    """Hands nothing over before it is told to, and tells when it is asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.hands_over, self.is_asked_again = threading.Event(), threading.Event()
        self._asked = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002  (as it is called)
        self._asked += 1
        if self._asked > 1:
            self.is_asked_again.set()
        job = super().get(block, timeout)
        self.hands_over.wait()
        return job


def test_a_thread_that_came_too_late_itself_is_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "queue", SimpleNamespace(SimpleQueue=LateQueue))
    patience, done = Patience(0.01), []
    waiting = cast("LateQueue", patience._waiting)
    with pytest.raises(StoreError, match="has not answered for"):
        patience.within(lambda: done.append("too late"))
    waiting.hands_over.set()
    assert waiting.is_asked_again.wait(30)
    patience._limit = 30.0
    patience.within(lambda: done.append("in time"))
    patience.close()

    assert done == ["in time"]
