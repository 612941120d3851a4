"""
Whole log-ins on schedule while one of two gateways fails now and then, meant for a process of its own.

People take turns to log in, each with one log-in at a time. They type the newest code that has not been accepted or rejected yet;
one person in fifty types a wrong code first. People who get no SMS ask at the end what became of it. The gateways run in this process;
the second one never fails.
"""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import TYPE_CHECKING

from bench_servers import PASSWORD
from inbox_codes import InboxCodes
from radius_packets import ACCEPT, CHALLENGE, REJECT, find_message, find_state
from radius_requests import Requests
from soak_stories import Note, Story

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

#: What the first gateway does wrong, each for `FAULT_SECONDS`, with as much time without fault before it.
FAULTS = (
    *("unavailable", "delay 0.2s", "hang", "reset-before", "garbage", "throttle"),
    *("mute", "half", "reset-after", "status 500", "dead"),
)
#: Ends of log-ins that are mistakes: of the server, of the gateways or of the load.
ENDED_BADLY = ("lost", "late", "wrong", "told")
_FIRST_USER = 1_000_000
_WRONG_EVERY = 50
_WRONG = "wrong!"
_NAMES = {ACCEPT: "Accept", CHALLENGE: "Challenge", REJECT: "Reject"}
_PAUSE = 0.002  # seconds between two checks of what is due
_NO_ROOM = 0.1  # seconds until somebody for whom there is no port tries again
_ASK_AFTER = 45.0  # seconds without an SMS; a message is given up after 30
_COPIES_KEPT = 120.0  # seconds in which a second SMS with the same code is noticed
_LATE = 20.0  # seconds at the end for what comes too late
_MOST_STORIES = 100  # of each kind
_UNDELIVERED = b"could not be delivered"


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """
    What to do.

    Attributes:
        address: The address of the RADIUS server.
        ports: The ports of the gateway that fails and of the one that does not.
        people: How many people take turns to log in.
        rate: Log-ins a second.
        requests: How many may be under way.
        seconds: How long new log-ins are begun.
        fault_seconds: How long each fault lasts.
        every: Seconds between two reports.
    """

    address: tuple[str, int]
    ports: tuple[int, int]
    people: int
    rate: float
    requests: int
    seconds: float
    fault_seconds: float
    every: float


@dataclass(slots=True)
class Sighting:
    """
    The results of the log-ins so far.

    Attributes:
        counts: Log-ins that were begun, refused, challenged, accepted, told, lost, late, wrong, doubled; packets that were repeated;
            codes that were typed in vain, before the right one came.
        strays: Packets from the server that answered nothing, by kind.
        waiting: Log-ins under way.
        latencies: Seconds of the first legs since the last report.
        fault: What the first gateway is doing wrong now.
        is_over: Whether this is the last report.
        stories: The log-ins that did not end well; only in the last report.
    """

    counts: Counter[str] = field(default_factory=Counter)
    strays: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    latencies: list[float] = field(default_factory=list)
    fault: str = ""
    is_over: bool = False
    stories: list[Story] = field(default_factory=list)


def run_soak(plan: SoakPlan, reports: "Connection[Sighting, None]") -> None:
    """Log in, and report; the last report says that it is the last."""
    failing = HttpGateway(name="failing", port=plan.ports[0])
    sound = HttpGateway(name="sound", port=plan.ports[1])
    with failing, sound:
        run = _Run(plan, [failing.inbox, sound.inbox])
        faults = _Faults(failing, plan.fault_seconds)
        try:
            run.go(faults, reports)
        finally:
            run.close()


class _Faults:
    """Switches faults on and off."""

    def __init__(self, gateway: HttpGateway, seconds: float) -> None:
        self._gateway = gateway
        self._seconds = seconds
        self._faults: Iterator[str] = cycle(FAULTS)
        self._due = perf_counter() + seconds
        self.present = ""

    def look(self) -> None:
        """Switch a fault on or off if it is time."""
        if perf_counter() >= self._due:
            self._due += self._seconds
            self._switch("" if self.present else next(self._faults))

    def end(self) -> None:
        self._switch("")

    def _switch(self, fault: str) -> None:
        if self.present == "dead":
            self._gateway.start()
        self._gateway.faults.clear()
        self._gateway.faults.release()
        if fault == "dead":
            self._gateway.stop()
        elif fault:
            self._gateway.faults.add(fault)
        self.present = fault


@dataclass(slots=True)
class _Login:
    """
    One log-in.

    Attributes:
        begun: When it began, by `perf_counter`.
        state: The State of the challenge; empty before there is one.
        asked: What the server is being asked: first, wrong, right, what; empty while the person waits for an SMS.
        typed: The last code that was typed; empty before the first.
        mistyped: Whether a wrong code has been typed, by people who do that first.
        has_ended: Whether it has ended, in one way or another.
        places: Port and identifier of the packets.
        notes: What happened to it.
    """

    user: str
    number: int
    begun: float = field(default_factory=perf_counter)
    state: bytes = b""
    asked: str = ""
    typed: str = ""
    mistyped: bool = False
    has_ended: bool = False
    places: list[tuple[int, int]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(Note.now(text))


class Phones:
    """
    What people have on their phones: each person's newest code, and which SMS are copies of others.

    Args:
        time: Seconds on any scale that does not go back.
    """

    def __init__(self, time: Callable[[], float] = perf_counter) -> None:
        self._time = time
        self._newest: dict[str, str] = {}
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def take(self, user: str, code: str, begun: float = 0.0) -> bool:
        """
        Take an SMS.

        A code that the same person had in an earlier log-in is read again: among so many log-ins, some get the same code twice.

        Args:
            user: Who gets it.
            code: What it says.
            begun: When this person's current log-in began.

        Returns:
            Whether it looks like a copy of an earlier SMS.
        """
        now = self._time()
        while self._known and next(iter(self._known.values())) < now - _COPIES_KEPT:
            self._known.popitem(last=False)
        known = self._known.get((user, code))
        if known is None:
            self._known[user, code] = now
        if known is None or known < begun:
            self._newest[user] = code
        return known is not None

    def has_code(self, user: str) -> bool:
        return user in self._newest

    def read(self, user: str) -> str:
        """Return the newest code; it is not returned a second time."""
        return self._newest.pop(user)

    def keep(self, user: str, code: str) -> None:
        """Put back a code that was read and typed in vain, unless there is a newer one."""
        self._newest.setdefault(user, code)


class _Run:
    def __init__(self, plan: SoakPlan, inboxes: list[Inbox]) -> None:
        self._plan = plan
        self._seen = Sighting()
        self._logins: dict[str, _Login] = {}
        self._phones = Phones()
        self._overdue: list[tuple[float, int, _Login]] = []
        self._failed: list[tuple[str, _Login]] = []
        self._codes = InboxCodes(inboxes)
        self._requests: Requests[_Login] = Requests(plan.address, plan.requests, self._codes.bell)

    def go(self, faults: _Faults, reports: "Connection[Sighting, None]") -> None:
        begin = perf_counter()
        end, next_report, number = begin + self._plan.seconds, begin + self._plan.every, 0
        while (now := perf_counter()) < end or self._logins:
            while now < end and self._requests.has_room and begin + number / self._plan.rate <= now:
                self._begin(number)
                number += 1
            if now >= end:
                faults.end()
            else:
                faults.look()
            self._go_on(now)
            if now >= next_report:
                next_report += self._plan.every
                self._report(faults, reports)
        self._wait_for_what_comes_late()
        self._seen.is_over = True
        self._seen.stories = [_tell(how, login) for how, login in self._failed]
        self._report(faults, reports)

    def close(self) -> None:
        self._codes.close()
        self._requests.close()

    def _wait_for_what_comes_late(self) -> None:
        until = perf_counter() + _LATE
        while self._failed and perf_counter() < until:
            self._go_on(perf_counter())

    def _go_on(self, now: float) -> None:
        for port in self._requests.wait(_PAUSE):
            if port == self._codes.bell:
                self._take_codes()
            else:
                self._receive(port)
        self._look_for_the_late(now)

    def _report(self, faults: _Faults, reports: "Connection[Sighting, None]") -> None:
        self._seen.waiting, self._seen.fault = len(self._logins), faults.present
        self._seen.strays = self._requests.strays
        reports.send(self._seen)
        self._seen.latencies = []

    def _begin(self, number: int) -> None:
        login = _Login(str(_FIRST_USER + number % self._plan.people), number)
        if login.user in self._logins:
            return
        self._logins[login.user] = login
        self._seen.counts["begun"] += 1
        self._ask(login, "first", PASSWORD)

    def _ask(self, login: _Login, asked: str, password: str) -> None:
        request = self._requests.begin(login, login.user, password, login.state)
        login.asked = asked
        login.places.append((request.port, request.identifier))
        login.note(f"{asked}: sent from port {request.port} with identifier {request.identifier}")

    def _take_codes(self) -> None:
        for user, code, _, gateway in self._codes.take():
            login = self._logins.get(user)
            is_copy = self._phones.take(user, code, login.begun if login else 0.0)
            self._seen.counts["doubled"] += is_copy
            self._note_sms(user, f"SMS of {gateway}" + (", which has come before" if is_copy else ""))
            if login is not None and login.state and not login.asked:
                self._type(login)

    def _note_sms(self, user: str, text: str) -> None:
        if login := self._logins.get(user):
            login.note(text)
        for _, failed in self._failed:
            if failed.user == user and failed is not login:
                failed.note(text)

    def _type(self, login: _Login) -> None:
        """Type the code on the phone, or go on waiting for an SMS."""
        if not self._phones.has_code(login.user):
            return
        if not self._requests.has_room:
            self._look_again(login, _NO_ROOM)
        elif login.number % _WRONG_EVERY == 0 and not login.mistyped:
            login.mistyped = True
            self._ask(login, "wrong", _WRONG)
        else:
            login.typed = self._phones.read(login.user)
            self._ask(login, "right", login.typed)

    def _receive(self, port: int) -> None:
        received = self._requests.receive(port)
        if received is None:
            return
        request, answer = received
        login, code = request.sender, answer[0]
        seconds = perf_counter() - request.begun
        login.note(f"{_NAMES[code]} after {seconds:.3f} s: {find_message(answer)!r}")
        if request.is_given_up:
            return
        asked, login.asked = login.asked, ""
        match asked, code:
            case "first", _ if code == CHALLENGE:
                self._note_challenge(login, find_state(answer), seconds)
            case "first", _:
                self._end(login, "refused")
            case "right", _ if code == ACCEPT:
                self._end(login, "accepted")
            case _, _ if code == REJECT and _UNDELIVERED in answer:
                self._end(login, "told")
            case (("wrong" | "right"), _) if code == CHALLENGE:
                # The code that was typed may be that of an earlier log-in: then another SMS is still to come.
                self._seen.counts["typed in vain"] += asked == "right"
                self._look_again(login, _ASK_AFTER)
                self._type(login)
            case "what", _ if code != ACCEPT:
                self._end(login, "wrong" if login.typed else "lost")
            case _:
                self._end(login, "wrong")

    def _note_challenge(self, login: _Login, state: bytes, seconds: float) -> None:
        self._seen.counts["challenged"] += 1
        self._seen.latencies.append(seconds)
        login.state = state
        self._look_again(login, _ASK_AFTER)
        self._type(login)

    def _look_again(self, login: _Login, seconds: float) -> None:
        heapq.heappush(self._overdue, (perf_counter() + seconds, login.number, login))

    def _look_for_the_late(self, now: float) -> None:
        """Ask what became of SMS that have not come, and give up answers that have not come."""
        while self._overdue and self._overdue[0][0] <= now:
            _, _, login = heapq.heappop(self._overdue)
            if login.has_ended or login.asked:
                continue
            if self._phones.has_code(login.user):
                self._type(login)
            elif self._requests.has_room:
                self._ask(login, "what", _WRONG)
            else:
                self._look_again(login, _NO_ROOM)
        overdue = self._requests.look()
        for request in overdue.repeated:
            self._seen.counts["repeated"] += 1
            request.sender.note("the same packet again")
        for request in overdue.given_up:
            login = request.sender
            login.note("given up")
            if login.asked == "right":
                self._phones.keep(login.user, login.typed)
            self._end(login, "late")

    def _end(self, login: _Login, how: str) -> None:
        self._seen.counts[how] += 1
        login.has_ended = True
        del self._logins[login.user]
        if how in ENDED_BADLY and self._seen.counts[how] <= _MOST_STORIES:
            self._failed.append((how, login))


def _tell(how: str, login: _Login) -> Story:
    return Story(how, login.user, login.state.decode(), login.places, login.notes)
