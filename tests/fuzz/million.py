"""
A million cases for each reader of foreign bytes, and what they find.

    python -m tests.fuzz.million [--cases 1000000] [--seconds N] [--seed N] [READER ...]

A case that raises what the reader does not announce, or that takes longer than a second, is a finding: it is written into
the corpus, which the tests replay. Cases that come to something new are changed further. A seed makes the same 50 000 cases
each time; further ones come from the seeds after it, so what was broken off goes on with the seed that was told last.
"""

import argparse
import sys
import time
import traceback
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from tests.fuzz.mutating import mutate
from tests.fuzz.reader import Reader
from tests.fuzz.readers import CORPUS, NAMES, all_readers

#: Seconds of work.
_SLOW = 1.0
_PROGRESS = 10.0
#: Cases of one seed.
_BLOCK = 50_000
#: Cases that are changed further, beside the examples, and how long they may be: so many times the longest example. What grows
#: on costs time, and tells nothing new.
_MOST_KEPT, _GROWTH = 400, 3


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
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    options = parser.parse_args()
    with all_readers() as readers:
        found = [
            run(readers[name], options.cases, options.seconds, options.seed)
            for name in options.readers or NAMES
        ]
    return min(1, sum(found))


@dataclass(slots=True)
class Progress:
    """How far one reader is."""

    reader: Reader
    start: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    done: int = 0
    outcomes: set[str] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)

    def tell(self, seed: int) -> None:
        self.told = time.monotonic()
        rate = self.done / max(self.told - self.start, 1e-9)
        print(  # noqa: T201  (this is a program)
            f"{self.reader.name}: {self.done} cases in {self.told - self.start:.0f} s ({rate:.0f}/s), seed {seed}, "
            f"{len(self.outcomes)} outcomes, {len(self.findings)} findings",
            flush=True,
        )


def run(reader: Reader, cases: int, seconds: float, seed: int) -> int:
    """Read cases until there were enough, say how far this is, and return how many of them found something."""
    progress = Progress(reader)
    while progress.done < cases and time.monotonic() - progress.start < seconds:
        run_seed(progress, seed, min(_BLOCK, cases - progress.done), progress.start + seconds)
        seed += 1
    progress.tell(seed - 1)
    return len(progress.findings)


def run_seed(progress: Progress, seed: int, cases: int, until: float) -> None:
    """Read the cases of one seed."""
    reader, random = progress.reader, Random(seed)
    pool, longest = list(reader.examples), _GROWTH * max(map(len, reader.examples))
    outcomes: set[str] = set()
    for _ in range(cases):
        case = mutate(random, pool, reader.tokens)
        outcome = read_one(reader, case, progress.findings)
        progress.done += 1
        if outcome not in outcomes:
            outcomes.add(outcome)
            if len(case) <= longest and len(pool) < len(reader.examples) + _MOST_KEPT:
                pool.append(case)
        now = time.monotonic()
        if now >= until:
            break
        if now - progress.told > _PROGRESS:
            progress.outcomes |= outcomes
            progress.tell(seed)
    progress.outcomes |= outcomes


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


if __name__ == "__main__":
    sys.exit(main())
