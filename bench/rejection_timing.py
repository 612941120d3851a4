"""
What the time of a rejection tells about the password, with ``[challenge] uniform``: a wrong one against right ones that get no code.

    bench/rejection_timing.py [--samples 2000] [--folder FOLDER]

A real FreeRADIUS without a reject delay, one request at a time, the kinds in random order. A share of 0.50 means that the
time of one rejection tells nothing: it is how often one of this kind takes longer than one of a wrong password.
"""

import argparse
import random
import tempfile
from pathlib import Path

from bench_servers import PASSWORD, make_plugin_server, silent_provider
from radius_packets import CHALLENGE, REJECT, find_state
from state_timing import Asker, print_statistics

_SETTINGS = '\n[challenge]\nuniform = true\nresend_after = 0\n\n[limits]\nper_user = ["1/d"]\n'
_WARM_UP = 200  # requests that are not counted
_FREE = 5  # wrong codes before the first wait
_WRONG = "wrong!"
#: Without a number: only names of seven digits have one.
_NOBODY, _SPENT, _WAITING, _ANYBODY = "nobody", "1000001", "1000002", "1000003"


def begin(asker: Asker) -> None:
    """Spend the budget of one user, and make another one wait."""
    for user in (_SPENT, _WAITING):
        answer, _ = asker.ask(user, PASSWORD)
        assert answer[0] == CHALLENGE, answer
    for _ in range(_FREE):
        asker.ask(_WAITING, _WRONG, find_state(answer))


def measure(asker: Asker, samples: int) -> dict[str, list[float]]:
    """Return the seconds of each rejection, by kind."""
    kinds = {
        "wrong password": (_ANYBODY, _WRONG),
        "no number": (_NOBODY, PASSWORD),
        "budget spent": (_SPENT, PASSWORD),
        "waiting": (_WAITING, PASSWORD),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(samples + _WARM_UP):
        for kind in random.sample([*kinds], len(kinds)):
            answer, seconds = asker.ask(*kinds[kind])
            assert answer[0] == REJECT, (kind, answer)
            if turn >= _WARM_UP:
                times[kind].append(seconds)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=2000, help="rejections of each kind")
    parser.add_argument(
        "--folder", type=Path, help="for the store; by default one that is removed afterwards"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        run(Path(folder), options.samples)


def run(folder: Path, samples: int) -> None:
    settings = f"\n[guesses]\nfirst_wait = 3600\n{_SETTINGS}"
    with (
        silent_provider(folder) as table,
        make_plugin_server(folder / "server", table + settings) as server,
    ):
        asker = Asker(server.address)
        try:
            begin(asker)
            print_statistics(measure(asker, samples))
        finally:
            asker.close()


if __name__ == "__main__":
    main()
