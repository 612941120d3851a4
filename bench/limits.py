"""
What counting costs a first leg: budgets, kinds of numbers and shares of answers, without the rest of the leg.

    bench/limits.py [--quick] [--people 10000] [--rounds 5] [--folder FOLDER]

It runs in one thread, nothing is refused, and nobody else uses the store's file; the store's own thread writes the rows. In the
first round all people are new. The best of the other rounds shows people who were there before.
"""

import gc
import os
import random
import time
from pathlib import Path

from bench_frame import Options, make_folder
from pydantic import SecretStr

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.login.budgets import Budgets, make_rules
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.sms.numbering import load_numbering_plans
from smsotp_plugin.sms.phone import PhoneNumber, parse_number
from smsotp_plugin.stores.sqlite.store import SqliteStore

_TEXT = "{otp} is your code to log in."
#: Enforced and with room for all rounds, so that nothing is refused.
_LIMITS = LimitSettings.model_validate({"per_user": ["1000/h", "2000/d"], "per_number": ["1000/h", "2000/d"]})


def make_requests(people: int) -> list[tuple[LoginRequest, PhoneNumber]]:
    chance = random.Random(1)
    made = []
    for person in range(people):
        number = f"+4917{chance.randrange(10**8):08d}"
        request = LoginRequest(
            user=f"person{person}",
            password=SecretStr("hello"),
            state=None,
            client=f"NAS-Identifier=vpn{person % 5}",
            station=f"203.0.{person // 250}.{person % 250}",
            site="default",
            gateway="",
            language="",
            notification="",
            numbers=(number,),
        )
        made.append((request, parse_number(number, None)))
    return made


def measure(requests: list[tuple[LoginRequest, PhoneNumber]], rounds: int, folder: Path) -> list[float]:
    """Return the microseconds of one decision, round by round."""
    clock = SystemClock()
    store = SqliteStore(folder / "smsotp.db", 30.0, 86400.0, clock, make_rules(_LIMITS))
    names = CodeMaker(b"k" * 32, 6, "0123456789", os.urandom).names
    watch = PumpingWatch(_LIMITS, names, store, clock)
    budgets = Budgets(_LIMITS, names, store, clock, pumping=watch)
    spent = []
    for turn in range(rounds):
        begin = time.thread_time()
        for number, (request, phone) in enumerate(requests):
            budgets.check_number(phone)
            spending = budgets.calculate(request, phone, _TEXT)
            budgets.check(request, phone, spending)
            store.spend(spending)
            watch.note_sent(f"{turn} {number}", request, phone)
        spent.append((time.thread_time() - begin) / len(requests) * 1e6)
        for number in range(len(requests)):
            watch.note_answered(f"{turn} {number}")
        store.flush()
    store.close()
    return spent


def main() -> None:
    options = Options(__doc__)
    options.add_amount("people", 10_000, "who log in", quick=1_000)
    options.add_amount("rounds", 5, "log-ins of each", quick=2)
    chosen = options.read()
    load_numbering_plans()
    requests = make_requests(chosen.people)
    # As the plugin does in the server (decision 0008).
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000_000)
    with make_folder(chosen) as folder:
        first, *others = measure(requests, chosen.rounds, folder)
    print(f"new people {first:.1f} µs, people who were there before {min(others):.1f} µs, for each first leg")


if __name__ == "__main__":
    main()
