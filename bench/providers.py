"""
Messages per second of each provider over one gateway, and its CPU time, compared with the plain libraries, in one run.

    bench/providers.py [--quick] [http] [sipgate] [smtp] [smpp]

The gateway is a process of its own that judges nothing and answers at once; the one for SMPP also answers after 20 ms. The
ways take turns. What counts is the ratio of their medians to that of the best loop that one can write by hand with the
same library. The CPU time is that of this process alone, in µs for each message.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bench_frame import Options
from provider_race import Figures, Way, print_figures, race
from ways_mail import SMTP
from ways_smpp import PACKED, PIPELINED, SMPP, WINDOW
from ways_web import HTTP, SIPGATE

_DELAY = 0.02  # seconds of the slow SMSC


@dataclass(frozen=True, slots=True)
class RaceSizes:
    """How much is measured."""

    messages: int
    rounds: int


_WHOLE = RaceSizes(messages=5_000, rounds=5)
_QUICK = RaceSizes(messages=1_000, rounds=3)


def _race_beside_the_best(title: str, peer: str, ways: tuple[Way, ...], sizes: RaceSizes) -> None:
    figures = race(peer, ways, sizes.messages, sizes.rounds)
    print_figures(f"{title}: messages per second, ratio to the best loop", figures, ways[1].name)


def _race_smpp(sizes: RaceSizes) -> None:
    at_once = race("peer_smsc.py", SMPP, sizes.messages * 2, sizes.rounds, "0")
    print_figures("SMPP, answered at once: messages per second, ratio to the best loop", at_once, PIPELINED)
    print(f"  a packed submit_sm is worth {at_once[PACKED].rate / at_once[PIPELINED].rate:.1f} of smpplib's")
    slowly = race("peer_smsc.py", SMPP, max(500, sizes.messages // 5), sizes.rounds, str(_DELAY))
    limit = f"the limit of a window of {WINDOW}"
    print_figures(
        f"SMPP, answered after {_DELAY * 1000:g} ms, ratio to that limit",
        {**slowly, limit: Figures(WINDOW / _DELAY)},
        limit,
    )


_MEASURES: dict[str, Callable[[RaceSizes], None]] = {
    "http": lambda sizes: _race_beside_the_best("HTTP", "peer_web.py", HTTP, sizes),
    "sipgate": lambda sizes: _race_beside_the_best("sipgate", "peer_web.py", SIPGATE, sizes),
    "smtp": lambda sizes: _race_beside_the_best("SMTP", "peer_mail.py", SMTP, sizes),
    "smpp": _race_smpp,
}


def main() -> None:
    options = Options(__doc__, writes=False)
    options.parser.add_argument(
        "providers", nargs="*", metavar="PROVIDER", help="only these (default: all four)"
    )
    chosen = options.read()
    if unknown := set(chosen.providers) - set(_MEASURES):
        options.parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(_MEASURES)}")
    for name in chosen.providers or _MEASURES:
        _MEASURES[name](_QUICK if chosen.quick else _WHOLE)


if __name__ == "__main__":
    main()
