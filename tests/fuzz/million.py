"""
A million cases for each reader of foreign bytes, and what they find.

    python -m tests.fuzz.million [--cases 1000000] [--seconds N] [--seed N] [READER ...]

A case that raises what the reader does not announce, or that takes longer than a second, is a finding: it is written into
the corpus, which the tests replay. Cases that come to something new are changed further. The same seed makes the same cases.
"""

import argparse
import sys
import time
import traceback
from hashlib import sha256
from random import Random

from tests.fuzz.mutating import mutate
from tests.fuzz.reader import Reader
from tests.fuzz.readers import CORPUS, NAMES, all_readers

#: Seconds of work.
_SLOW = 1.0
_PROGRESS = 10.0
#: Cases that are changed further, beside the examples.
_MOST_KEPT = 400


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "readers", metavar="READER", nargs="*", choices=[*NAMES, []], help=f"of {', '.join(NAMES)}; none: all"
    )
    parser.add_argument("--cases", type=int, default=1_000_000, help="for each reader")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="after which a reader is left, however far it is"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with all_readers() as readers:
        found = [
            run(readers[name], options.cases, options.seconds, options.seed)
            for name in options.readers or NAMES
        ]
    return min(1, sum(found))


def run(reader: Reader, cases: int, seconds: float, seed: int) -> int:
    """Read cases until there were enough, say how far this is, and return how many of them found something."""
    random = Random(seed)
    pool = list(reader.examples)
    outcomes: set[str] = set()
    findings: set[str] = set()
    done, start, told = 0, time.monotonic(), time.monotonic()
    while done < cases and time.monotonic() - start < seconds:
        case = mutate(random, pool, reader.tokens)
        outcome = read_one(reader, case, findings)
        done += 1
        if outcome not in outcomes:
            outcomes.add(outcome)
            if len(pool) < len(reader.examples) + _MOST_KEPT:
                pool.append(case)
        if time.monotonic() - told > _PROGRESS:
            told = time.monotonic()
            tell(reader, done, told - start, outcomes, findings)
    tell(reader, done, time.monotonic() - start, outcomes, findings)
    return len(findings)


def read_one(reader: Reader, case: bytes, findings: set[str]) -> str:
    """Return what came of a case; keep it where that is a finding."""
    # Of this thread: others may have the processor meanwhile.
    start = time.thread_time()
    try:
        outcome = reader.read(case)
    except Exception as exc:  # noqa: BLE001  (that is what is looked for)
        where = traceback.extract_tb(exc.__traceback__)[-1]
        outcome = f"{type(exc).__name__} at {where.filename}:{where.lineno}"
        if outcome not in findings:
            findings.add(outcome)
            keep(reader, case, f"{outcome}: {str(exc)[:200]}")
    else:
        if (taken := time.thread_time() - start) > _SLOW:
            findings.add("slow")
            keep(reader, case, f"it took {taken:.1f} s: {outcome[:200]}")
    return outcome


def keep(reader: Reader, case: bytes, why: str) -> None:
    path = CORPUS / reader.name / sha256(case).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(case)
    print(f"{reader.name}: FOUND {path.name}: {why}", flush=True)  # noqa: T201  (this is a program)


def tell(reader: Reader, done: int, seconds: float, outcomes: set[str], findings: set[str]) -> None:
    rate = done / max(seconds, 1e-9)
    print(  # noqa: T201  (this is a program)
        f"{reader.name}: {done} cases in {seconds:.0f} s ({rate:.0f}/s), {len(outcomes)} outcomes, {len(findings)} findings",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
