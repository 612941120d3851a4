"""
What the time of a rejection gives away about the password, with ``[challenge] uniform``: a wrong one against right ones without a code.

    bench/rejection_timing.py [--quick] [--samples 2000] [--held] [--folder FOLDER]

A real FreeRADIUS gets the kinds in random order: one request at a time and without a reject delay, or (--held) many at a time, with
a delay of a second and the policy smsotp_uniform. The share is how often a rejection of this kind takes longer than that of a wrong
password. A share of 0.50 means that the time of one rejection gives nothing away.
"""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from answer_times import Asker, print_statistics
from bench_frame import Options, make_folder
from bench_servers import PASSWORD, make_plugin_server, silent_provider
from radius_packets import CHALLENGE, REJECT, find_state

from smsotp_mocks.servers.freeradius import FreeRadiusServer

_SETTINGS = """
[guesses]
first_wait = 3600

[challenge]
uniform = true
resend_after = 0

[limits]
per_user = ["1/d"]
"""
_WARM_UP = 50  # requests of each kind that are not counted
_AT_A_TIME = 8  # requests that are held back together
_FREE = 5  # wrong codes before the first wait
_WRONG = "wrong!"
#: Users without a number: only names of seven digits have one.
_NOBODY, _SPENT, _WAITING, _ANYBODY = "nobody", "1000001", "1000002", "1000003"
_KINDS = {
    "wrong password": (_ANYBODY, _WRONG),
    "no number": (_NOBODY, PASSWORD),
    "budget spent": (_SPENT, PASSWORD),
    "waiting": (_WAITING, PASSWORD),
}


def hold(server: FreeRadiusServer) -> None:
    """Make a server delay rejections, with the policy for that."""
    main = server.raddb / "radiusd.conf"
    main.write_text(re.sub(r"reject_delay = \d+", "reject_delay = 1", main.read_text()))
    site = server.raddb / "sites-enabled/smsotp"
    site.write_text(
        site.read_text().replace("smsotp_sign_reply\n", "smsotp_sign_reply\n\t\t\tsmsotp_uniform\n")
    )


def begin(address: tuple[str, int]) -> None:
    """Use up the budget of one user, and make another one wait."""
    asker = Asker(address)
    for user in (_SPENT, _WAITING):
        answer, _ = asker.ask(user, PASSWORD)
        assert answer[0] == CHALLENGE, answer
    for _ in range(_FREE):
        asker.ask(_WAITING, _WRONG, find_state(answer))
    asker.close()


def measure(address: tuple[str, int], samples: int, at_a_time: int) -> dict[str, list[float]]:
    """Return the seconds of each rejection, by kind."""
    askers = [Asker(address) for _ in range(at_a_time)]
    turns = [kind for _ in range(samples + _WARM_UP) for kind in random.sample([*_KINDS], len(_KINDS))]
    times: dict[str, list[float]] = {kind: [] for kind in _KINDS}

    def ask(place: int) -> None:
        for kind in turns[place::at_a_time]:
            answer, seconds = askers[place].ask(*_KINDS[kind])
            assert answer[0] == REJECT, (kind, answer)
            times[kind].append(seconds)

    with ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(ask, range(at_a_time)))
    for asker in askers:
        asker.close()
    return {kind: seconds[_WARM_UP:] for kind, seconds in times.items()}


def run(folder: Path, samples: int, *, held: bool) -> None:
    with silent_provider(folder) as table:
        server = make_plugin_server(folder / "server", table + _SETTINGS)
        if held:
            hold(server)
        with server:
            begin(server.address)
            print_statistics(measure(server.address, samples, _AT_A_TIME if held else 1))


def main() -> None:
    options = Options(__doc__)
    options.add_amount("samples", 2000, "rejections of each kind", quick=20)
    options.parser.add_argument(
        "--held", action="store_true", help="with a delay and the policy smsotp_uniform"
    )
    chosen = options.read()
    with make_folder(chosen) as folder:
        run(folder, chosen.samples, held=chosen.held)


if __name__ == "__main__":
    main()
