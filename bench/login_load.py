"""
A load of whole log-ins, meant for a process of its own: both legs, with the code read from the mock gateway's inbox.

The gateway runs in here, so everything but the plugin and its FreeRADIUS shares one process.
"""

import collections
import contextlib
import os
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from time import perf_counter

from radius_load import Load, LoadResult
from radius_packets import ACCEPT, CHALLENGE, find_state, pack_access_request

from smsotp_mocks.gateways.http.gateway import HttpGateway

_LOST_AFTER = 30.0  # seconds; a gateway may be asleep
_NAME_DIGITS = 7  # of a user; the rest of the telephone number is the same for all


@dataclass(slots=True)
class LoginResult(LoadResult):
    """
    What came of a load of whole log-ins; a latency is that of a first leg.

    Attributes:
        sms: Seconds from the challenge to the SMS in the inbox, of each log-in.
        accepted: How many were let in.
    """

    sms: list[float] = field(default_factory=list)
    accepted: int = 0

    @property
    def login_rate(self) -> float:
        """Log-ins per second."""
        return self.accepted / self.seconds


@dataclass(slots=True)
class _Login:
    user: str
    station: str
    sent_at: float
    state: bytes = b""
    challenged_at: float = 0.0


def run_logins(load: Load, gateway_port: int, faults: str, seconds: float) -> LoginResult:
    """
    Log in one user after the other.

    Args:
        load: Whom and where; `outstanding` log-ins are under way at the same time, begun at `rate` if there is one.
        gateway_port: Where the plugin expects its gateway.
        faults: What the gateway does wrong; empty for nothing.
        seconds: After this time no more log-ins are begun.
    """
    with HttpGateway(port=gateway_port) as gateway:
        if faults:
            gateway.faults.add(faults)
        run = _Run(load, gateway, seconds)
        try:
            return run.finish()
        finally:
            run.close()


class _Run:
    def __init__(self, load: Load, gateway: HttpGateway, seconds: float) -> None:
        self._load = load
        self._stations = iter(load.stations)
        self._until = perf_counter() + seconds
        self._result = LoginResult()
        self._logins: dict[int, _Login] = {}
        self._waiting: dict[str, int] = {}
        self._codes = _Codes(gateway)
        self._poll = select.epoll()
        self._poll.register(self._codes.bell, select.EPOLLIN)
        self._interval = 1 / load.rate if load.rate else 0.0
        self._due = perf_counter()
        self._idle: list[int] = []
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(load.outstanding):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(load.address)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def finish(self) -> LoginResult:
        begin = perf_counter()
        self._idle = list(self._sockets)
        pause = self._begin_due()
        while (self._logins or self._idle) and ((events := self._poll.poll(pause)) or self._idle):
            for number, _ in events:
                if number == self._codes.bell:
                    self._answer()
                else:
                    self._receive(number)
            pause = self._begin_due()
        self._result.seconds = perf_counter() - begin
        self._result.lost = len(self._logins)
        return self._result

    def close(self) -> None:
        self._codes.close()
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()

    def _begin_due(self) -> float:
        """Begin the log-ins whose time has come; returns the seconds until the next one, or until all are lost."""
        while self._idle and perf_counter() >= self._due:
            self._due += self._interval
            self._begin(self._idle.pop(0))
        return max(0.0, self._due - perf_counter()) if self._idle else _LOST_AFTER

    def _begin(self, number: int) -> None:
        station = next(self._stations, None)
        if station is None or perf_counter() > self._until:
            self._logins.pop(number, None)
            return
        user = self._load.name_user(station)
        packet = pack_access_request(user, self._load.password, str(station), self._load.secret)
        self._logins[number] = _Login(user, str(station), perf_counter())
        self._sockets[number].send(packet)

    def _receive(self, number: int) -> None:
        answer = self._sockets[number].recv(4096)
        login, code = self._logins[number], answer[0]
        self._result.codes[code] = self._result.codes.get(code, 0) + 1
        if code == CHALLENGE and not login.state:
            self._result.latencies.append(perf_counter() - login.sent_at)
            login.state, login.challenged_at = find_state(answer), time.time()
            self._waiting[login.user] = number
            self._answer()
            return
        self._result.accepted += code == ACCEPT
        del self._logins[number]
        self._idle.append(number)

    def _answer(self) -> None:
        """Answer the challenges whose codes are here; an SMS may be here before its challenge."""
        for user, code, received in self._codes.take(self._waiting):
            number = self._waiting.pop(user)
            login = self._logins[number]
            self._result.sms.append(max(0.0, received - login.challenged_at))
            packet = pack_access_request(user, code, login.station, self._load.secret, login.state)
            self._sockets[number].send(packet)


class _Codes:
    """The codes that reached the inbox, by user; rings a bell (an eventfd) at each."""

    def __init__(self, gateway: HttpGateway) -> None:
        self.bell = os.eventfd(0, os.EFD_NONBLOCK)
        self._arrived: collections.deque[tuple[str, str, float]] = collections.deque()
        self._early: dict[str, tuple[str, float]] = {}
        self._closing = False
        self._subscription = gateway.inbox.subscribe(max_waiting=100_000)
        self._thread = threading.Thread(target=self._listen, name="codes")
        self._thread.start()

    def take(self, wanted: dict[str, int]) -> list[tuple[str, str, float]]:
        """Return user, code and time of arrival (Unix seconds) of those that are wanted and here."""
        # The bell rings after the code is there, so it may ring again for one that is taken already.
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.bell)
        while self._arrived:
            user, code, received = self._arrived.popleft()
            self._early[user] = (code, received)
        here = [user for user in self._early if user in wanted]
        return [(user, *self._early.pop(user)) for user in here]

    def close(self) -> None:
        self._closing = True
        self._thread.join()
        self._subscription.close()
        os.close(self.bell)

    def _listen(self) -> None:
        while not self._closing:
            event = self._subscription.get(timeout=0.1)
            if event is not None and event.message is not None:
                message = event.message
                self._arrived.append((message.number[-_NAME_DIGITS:], message.code, message.received))
                os.eventfd_write(self.bell, 1)
