"""
Whole log-ins on schedule while one of two gateways fails now and then, meant for a process of its own.

People log in in turn. One in fifty gives a wrong code first. Whoever gets no SMS asks in the end what became of it.
The gateways run in here; the second one never fails.
"""

import heapq
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import TYPE_CHECKING

from bench_servers import PASSWORD
from inbox_codes import InboxCodes
from radius_packets import ACCEPT, CHALLENGE, find_state, pack_access_request
from radius_sockets import RadiusSockets

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
_FIRST_USER = 1_000_000
_WRONG_EVERY = 50
_WRONG = "wrong!"
_SOCKETS = 512
#: Seconds: the same packet is sent once more, as every client does, and then an answer comes too late.
_AGAIN_AFTER, _NO_ANSWER_AFTER = 4.0, 10.0
_ASK_AFTER = 45.0  # seconds without an SMS; a message is given up after 30
_COPIES_KEPT = 120.0  # seconds in which a second SMS for a log-in is noticed
_UNDELIVERED = b"could not be delivered"


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """
    What to do.

    Attributes:
        address: Of the RADIUS server.
        ports: Of the gateway that fails and of the one that does not.
        people: How many people log in in turn.
        rate: Log-ins a second.
        seconds: In which log-ins are begun.
        fault_seconds: How long each fault lasts.
        every: Seconds between two reports.
    """

    address: tuple[str, int]
    ports: tuple[int, int]
    people: int
    rate: float
    seconds: float
    fault_seconds: float
    every: float


@dataclass(slots=True)
class Sighting:
    """
    What has come of the log-ins so far.

    Attributes:
        counts: By what: begun, refused, challenged, accepted, told, lost, late, wrong, doubled; packets that were repeated.
        waiting: Log-ins under way.
        latencies: Seconds of the first legs since the last report.
        fault: What the first gateway does wrong at present.
        is_over: Nothing more comes.
    """

    counts: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    latencies: list[float] = field(default_factory=list)
    fault: str = ""
    is_over: bool = False


@dataclass(slots=True)
class _Login:
    user: str
    number: int
    sent_at: float = 0.0
    packet: bytes = b""
    was_repeated: bool = False
    state: bytes = b""
    code: str = ""
    #: What the server is being asked: first, wrong, right, what; empty while an SMS is waited for.
    asked: str = ""


def run_soak(plan: SoakPlan, reports: "Connection[Sighting, None]") -> None:
    """Log in, and report; the last report says so."""
    failing, sound = HttpGateway(port=plan.ports[0]), HttpGateway(port=plan.ports[1])
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
        """Switch, where it is time."""
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


class _Run:
    def __init__(self, plan: SoakPlan, inboxes: list[Inbox]) -> None:
        self._plan = plan
        self._seen = Sighting()
        self._logins: dict[str, _Login] = {}
        self._copies: OrderedDict[str, float] = OrderedDict()
        self._overdue: list[tuple[float, str]] = []
        self._codes = InboxCodes(inboxes)
        self._sockets = RadiusSockets(plan.address, _SOCKETS, self._codes.bell)
        self._asking: OrderedDict[int, _Login] = OrderedDict()

    def go(self, faults: _Faults, reports: "Connection[Sighting, None]") -> None:
        begin = perf_counter()
        next_report, number = begin + self._plan.every, 0
        while (now := perf_counter()) < begin + self._plan.seconds or self._logins:
            while (
                now < begin + self._plan.seconds
                and self._sockets.idle
                and begin + number / self._plan.rate <= now
            ):
                self._begin(number)
                number += 1
            if now >= begin + self._plan.seconds:
                faults.end()
            else:
                faults.look()
            self._take_events()
            self._look_for_the_late(now)
            if now >= next_report:
                next_report += self._plan.every
                self._report(faults, reports)
        self._seen.is_over = True
        self._report(faults, reports)

    def close(self) -> None:
        self._codes.close()
        self._sockets.close()

    def _report(self, faults: _Faults, reports: "Connection[Sighting, None]") -> None:
        self._seen.waiting, self._seen.fault = len(self._logins), faults.present
        reports.send(self._seen)
        self._seen.latencies = []

    def _begin(self, number: int) -> None:
        login = _Login(str(_FIRST_USER + number % self._plan.people), number)
        if login.user in self._logins:
            return
        self._copies.pop(login.user, None)
        self._logins[login.user] = login
        self._seen.counts["begun"] += 1
        self._ask(login, "first", PASSWORD)

    def _ask(self, login: _Login, asked: str, password: str) -> None:
        sock = self._sockets.idle.pop(0) if self._sockets.idle else None
        if sock is None:
            # As if the client had no port left: it tries again when it has one.
            heapq.heappush(self._overdue, (perf_counter() + 0.1, login.user))
            return
        login.asked, login.sent_at, login.was_repeated = asked, perf_counter(), False
        self._asking[sock] = login
        login.packet = pack_access_request(login.user, password, "", login.state)
        self._sockets.send(sock, login.packet)

    def _take_events(self) -> None:
        for number in self._sockets.wait(0.002):
            if number == self._codes.bell:
                self._take_codes()
            else:
                self._receive(number)

    def _take_codes(self) -> None:
        for user, code, _ in self._codes.take():
            if user in self._copies:
                self._seen.counts["doubled"] += 1
                continue
            self._copies[user] = perf_counter()
            login = self._logins.get(user)
            if login is not None:
                login.code = code
                if login.state and not login.asked:
                    self._answer(login)
        while self._copies and next(iter(self._copies.values())) < perf_counter() - _COPIES_KEPT:
            self._copies.popitem(last=False)

    def _answer(self, login: _Login) -> None:
        if login.number % _WRONG_EVERY == 0:
            self._ask(login, "wrong", _WRONG)
        else:
            self._ask(login, "right", login.code)

    def _receive(self, number: int) -> None:
        answer = self._sockets.receive(number)
        login = self._asking.pop(number, None)
        if login is None:
            return
        self._sockets.idle.append(number)
        asked, login.asked = login.asked, ""
        match asked, answer[0]:
            case "first", code if code == CHALLENGE:
                self._note_challenge(login, find_state(answer))
            case "first", _:
                self._end(login, "refused")
            case "wrong", code if code == CHALLENGE:
                self._ask(login, "right", login.code)
            case "right", code if code == ACCEPT:
                self._end(login, "accepted")
            case "what", code if code != ACCEPT:
                self._end(login, "told" if _UNDELIVERED in answer else "lost")
            case _:
                self._end(login, "wrong")

    def _note_challenge(self, login: _Login, state: bytes) -> None:
        self._seen.counts["challenged"] += 1
        self._seen.latencies.append(perf_counter() - login.sent_at)
        login.state = state
        if login.code:
            self._answer(login)
        else:
            heapq.heappush(self._overdue, (perf_counter() + _ASK_AFTER, login.user))

    def _look_for_the_late(self, now: float) -> None:
        """Ask what became of SMS that have not come, and give up answers that have not."""
        while self._overdue and self._overdue[0][0] <= now:
            _, user = heapq.heappop(self._overdue)
            login = self._logins.get(user)
            if login is None or login.asked:
                continue
            if not login.state:
                self._ask(login, "first", PASSWORD)
            elif login.code:
                self._answer(login)
            else:
                self._ask(login, "what", _WRONG)
        for number, login in list(self._asking.items()):
            if login.sent_at > now - _AGAIN_AFTER:
                break
            if login.sent_at <= now - _NO_ANSWER_AFTER:
                del self._asking[number]
                self._sockets.idle.append(number)
                self._end(login, "late")
            elif not login.was_repeated:
                login.was_repeated = True
                self._seen.counts["repeated"] += 1
                self._sockets.send(number, login.packet)

    def _end(self, login: _Login, how: str) -> None:
        self._seen.counts[how] += 1
        self._logins.pop(login.user, None)
