"""
Somebody who knows a password tries codes as fast as a server answers, while the owner logs in from the usual station.

    bench/guess_attack.py [--quick] [--minutes 10] [--sockets 16] [--stations 1000] [--folder FOLDER]

It uses a real FreeRADIUS, the defaults of ``[guesses]``, and budgets that only record. It prints a line every minute, and ends
with 1 if more guesses were compared than the settings allow, or if the owner was kept out.
"""

import itertools
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import monotonic

from bench_frame import Options, make_folder
from bench_servers import write_http_gateway

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import NoAnswer

_OWNER = RadiusUser("bob", "a-secret-word", "+491701234567")
_SPELLINGS = ("bob", "BOB", "Bob", "bob@example.org", "EXAMPLE\\bob")
_ACCOUNTS = [RadiusUser(name, _OWNER.password, _OWNER.phone) for name in _SPELLINGS]
_HOME = "home"
_MOST = 50
_CODES = 1_000_000
_PAUSE = 5.0  # seconds between two log-ins of the owner


class Attack:
    """
    One attacker with many sockets.

    Args:
        server: Under attack.
        stations: How many different ones the attacker comes from.
    """

    def __init__(self, server: FreeRadiusServer, stations: int) -> None:
        self._server = server
        self._stations = stations
        self._numbers = itertools.count()
        self.over = threading.Event()
        self.guesses, self.accepted = 0, 0
        self._lock = threading.Lock()

    def run(self) -> None:
        """Log in and guess until `over`; a request that is not answered is lost, as on any network."""
        while not self.over.is_set():
            with suppress(NoAnswer):
                self._try_once()

    def _try_once(self) -> None:
        """Begin one log-in, and guess until it is over."""
        number = next(self._numbers)
        user = _SPELLINGS[number % len(_SPELLINGS)]
        station = f"station {number % self._stations}"
        answer = self._server.log_in(user, _OWNER.password, Calling_Station_Id=station)
        state, sent = answer.state, 0
        while answer.code == "challenge":
            code = f"{(number * 5 + sent) % _CODES:06}"
            answer = self._server.answer(user, code, state, Calling_Station_Id=station)
            sent += 1
        with self._lock:
            self.guesses += max(sent, 1)
            self.accepted += answer.code == "accept"


def log_in(server: FreeRadiusServer, gateway: HttpGateway) -> bool:
    """Log the owner in from the usual station; return whether that was possible."""
    mark = gateway.inbox.mark()
    answer = server.log_in(_OWNER.name, _OWNER.password, Calling_Station_Id=_HOME)
    state = answer.state
    # The attacker's log-ins send SMS to the same number, too.
    while answer.code == "challenge":
        message = gateway.inbox.wait(number=_OWNER.phone, after=mark)
        mark = message.id
        answer = server.answer(_OWNER.name, message.code, state, Calling_Station_Id=_HOME)
    return answer.code == "accept"


def count_compared(database: Path) -> int:
    """Return how many wrong answers were compared, as the store counts them within a day."""
    with closing(sqlite3.connect(database)) as connection:
        (most,) = connection.execute(
            "SELECT max(many) FROM (SELECT count(*) AS many FROM wrong_answers WHERE place = '' GROUP BY name)"
        ).fetchone()
    return int(most or 0)


def run(folder: Path, minutes: float, sockets: int, stations: int) -> int:
    database = folder / "smsotp.db"
    gateway = HttpGateway(accounts=Accounts())
    gateway.start()
    config = f'[store]\nurl = "sqlite://{database}"\n\n[limits]\nmode = "record"\n'
    config += write_http_gateway(gateway.port)
    with ExitStack() as rest:
        rest.callback(gateway.stop)
        server = rest.enter_context(FreeRadiusServer(folder / "radius", users=_ACCOUNTS, config_toml=config))
        log_ins = [log_in(server, gateway)]
        attack = Attack(server, stations)
        begin = monotonic()
        with ThreadPoolExecutor(sockets) as pool:
            attackers = [pool.submit(attack.run) for _ in range(sockets)]
            told = 0
            while monotonic() - begin < minutes * 60:
                attack.over.wait(_PAUSE)
                log_ins.append(log_in(server, gateway))
                if (monotonic() - begin) // 60 > told:
                    told += 1
                    print(
                        f"minute {told}: {attack.guesses} requests, {count_compared(database)} guesses compared"
                    )
            attack.over.set()
            for attacker in attackers:
                attacker.result()
    compared = count_compared(database)
    print(
        f"{attack.guesses} guesses and log-ins tried, {compared} compared, {attack.accepted} accepted; the owner was let in "
        f"{sum(log_ins)} times of {len(log_ins)}; a chance of 1 in {_CODES // max(compared, 1)}"
    )
    return int(compared > _MOST or attack.accepted > 0 or not all(log_ins))


def main() -> None:
    options = Options(__doc__)
    options.add_amount("minutes", 10.0, "how long", quick=0.1)
    options.add_amount("sockets", 16, "that the attacker uses")
    options.add_amount("stations", 1000, "that the attacker comes from")
    chosen = options.read()
    with make_folder(chosen) as folder:
        sys.exit(run(folder, chosen.minutes, chosen.sockets, chosen.stations))


if __name__ == "__main__":
    main()
