"""
A load of whole log-ins, meant for a process of its own: both legs, with the code read from the mock gateway's inbox.

The gateway runs in this process, so everything except the plugin and its FreeRADIUS shares one process.
"""

import time
from dataclasses import dataclass, field
from time import perf_counter

from inbox_codes import ArrivedCode, InboxCodes
from radius_load import Load, LoadResult
from radius_packets import ACCEPT, CHALLENGE, find_state, pack_access_request
from radius_sockets import RadiusSockets

from smsotp_mocks.gateways.http.gateway import HttpGateway

_LOST_AFTER = 30.0  # seconds; a gateway may be asleep


@dataclass(slots=True)
class LoginResult(LoadResult):
    """
    The result of a load of whole log-ins; a latency is that of a first leg.

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
        load: Who logs in and where; `outstanding` log-ins are under way at the same time, begun at `rate` if that is set.
        gateway_port: Where the plugin expects its gateway.
        faults: What the gateway does wrong; empty if it does nothing wrong.
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
        self._early: dict[str, ArrivedCode] = {}
        self._codes = InboxCodes([gateway.inbox])
        self._sockets = RadiusSockets(load.address, load.outstanding, self._codes.bell)
        self._interval = 1 / load.rate if load.rate else 0.0
        self._due = perf_counter()

    def finish(self) -> LoginResult:
        begin = perf_counter()
        pause = self._begin_due()
        while (self._logins or self._sockets.idle) and (
            (ready := self._sockets.wait(pause)) or self._sockets.idle
        ):
            for number in ready:
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
        self._sockets.close()

    def _begin_due(self) -> float:
        """Begin the log-ins that are due; return the seconds until the next one, or until all are lost."""
        while self._sockets.idle and perf_counter() >= self._due:
            self._due += self._interval
            self._begin(self._sockets.idle.pop(0))
        return max(0.0, self._due - perf_counter()) if self._sockets.idle else _LOST_AFTER

    def _begin(self, number: int) -> None:
        station = next(self._stations, None)
        if station is None or perf_counter() > self._until:
            self._logins.pop(number, None)
            return
        user = self._load.name_user(station)
        packet = pack_access_request(user, self._load.password, str(station))
        self._logins[number] = _Login(user, str(station), perf_counter())
        self._sockets.send(number, packet)

    def _receive(self, number: int) -> None:
        answer = self._sockets.receive(number)
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
        self._sockets.idle.append(number)

    def _answer(self) -> None:
        """Answer the challenges whose codes have arrived; an SMS may arrive before its challenge."""
        self._early |= {code.user: code for code in self._codes.take()}
        for user in [user for user in self._early if user in self._waiting]:
            arrived, number = self._early.pop(user), self._waiting.pop(user)
            login = self._logins[number]
            self._result.sms.append(max(0.0, arrived.received - login.challenged_at))
            self._sockets.send(number, pack_access_request(user, arrived.code, login.station, login.state))
