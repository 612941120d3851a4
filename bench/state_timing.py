"""
What the time of an answer gives away about a State: a wrong code for an open challenge, against States that nobody has.

    bench/state_timing.py [--quick] [--samples 2000] [--folder FOLDER]

A real FreeRADIUS without a reject delay gets one request at a time, the kinds in random order. The share is how often an
answer of this kind takes longer than one to the right State. A share of 0.50 means that the time of one answer gives
nothing away.
"""

import itertools
import random
import secrets
from pathlib import Path

from answer_times import Asker, open_challenges, print_statistics
from bench_frame import Options, make_folder
from bench_servers import make_plugin_server, silent_provider

_STATE_DIGITS = 32
_WRONG = "000000"
_RIGHT, _UNKNOWN = "right user, right State", "right user, unknown State"
_ANOTHERS, _NONE = "right user, another's State", "right user, no State"
_WARM_UP = 200  # requests that are not counted


def measure(asker: Asker, samples: int) -> dict[str, list[float]]:
    """Return the seconds of each answer, by kind."""
    users = (str(number) for number in itertools.count(1_000_000))
    rights, others = open_challenges(asker, users), open_challenges(asker, users)
    times: dict[str, list[float]] = {_RIGHT: [], _UNKNOWN: [], _ANOTHERS: [], _NONE: []}
    for turn in range(samples + _WARM_UP):
        for kind in random.sample([*times], len(times)):
            user, right = next(rights)
            states = {
                _RIGHT: right,
                _UNKNOWN: secrets.token_hex(_STATE_DIGITS // 2).encode(),
                _ANOTHERS: next(others)[1],
                _NONE: b"",
            }
            _, seconds = asker.ask(user, _WRONG, states[kind])
            if turn >= _WARM_UP:
                times[kind].append(seconds)
    return times


def run(folder: Path, samples: int) -> None:
    with silent_provider(folder) as table, make_plugin_server(folder / "server", table) as server:
        asker = Asker(server.address)
        try:
            print_statistics(measure(asker, samples))
        finally:
            asker.close()


def main() -> None:
    options = Options(__doc__)
    options.add_amount("samples", 2000, "answers of each kind", quick=200)
    chosen = options.read()
    with make_folder(chosen) as folder:
        run(folder, chosen.samples)


if __name__ == "__main__":
    main()
