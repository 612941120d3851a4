"""What the programs of this folder share: their options, a folder, processes for the load, and how figures are shown."""

import argparse
import contextlib
import itertools
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from radius_load import Load, LoadResult, run_load
from radius_packets import CHALLENGE

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Options:
    """
    The command-line options of a program; every program has ``--quick``.

    Args:
        description: The docstring of the program.
        writes: Whether it needs a folder, and so has ``--folder``.
    """

    def __init__(self, description: str | None, *, writes: bool = True) -> None:
        self.parser = argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.parser.add_argument("--quick", action="store_true", help="less of everything")
        if writes:
            self.parser.add_argument(
                "--folder", type=Path, help="where to write, on a real disk (default: the temporary folder)"
            )
        self._amounts: dict[str, tuple[float, float]] = {}

    def add_amount(self, name: str, whole: float, meaning: str, *, quick: float | None = None) -> None:
        """
        Add ``--name``, whose type is that of `whole`.

        Args:
            whole: Its default.
            meaning: What it means, for the help.
            quick: Its default with ``--quick``; None for the same.
        """
        less = whole if quick is None else quick
        default = f"{whole}" if quick is None else f"{whole}, with --quick {quick}"
        self._amounts[name] = (whole, less)
        self.parser.add_argument(f"--{name}", type=type(whole), help=f"{meaning} (default: {default})")

    def read(self) -> argparse.Namespace:
        """Return what the command line sets."""
        options = self.parser.parse_args()
        for name, (whole, less) in self._amounts.items():
            if getattr(options, name) is None:
                setattr(options, name, less if options.quick else whole)
        return options


@contextlib.contextmanager
def make_folder(options: argparse.Namespace) -> Iterator[Path]:
    """Yield a folder that is removed afterwards; the server's user may enter and read it."""
    with tempfile.TemporaryDirectory(prefix="smsotp-bench-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: rounds, requests in a round, and seconds of each measurement on schedule."""

    rounds: int
    requests: int
    seconds: float


class Bench:
    """
    Runs loads in processes of their own, so that they do not wait for the thread that reads the server's log.

    Args:
        folder: For everything that the servers write, the store included.
    """

    def __init__(self, folder: Path, sizes: Sizes, workers: Executor) -> None:
        self.folder = folder
        self.sizes = sizes
        self._workers = workers
        self._stations = itertools.count(0, 1_000_000)

    def load(self, address: tuple[str, int], requests: int, rate: float | None = None) -> Load:
        """Return a load of log-ins, none of which has been begun before."""
        first = next(self._stations)
        outstanding = 64 if rate is None else 256
        return Load(address, range(first, first + requests), outstanding=outstanding, rate=rate)

    def begin(self, what: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Begin a load."""
        return self._workers.submit(what, *args, **kwargs)

    def find_fastest(self, address: tuple[str, int]) -> LoadResult:
        """Send as fast as answers come, 64 at a time."""
        return require_only(CHALLENGE, self.count_answers(address))

    def count_answers(self, address: tuple[str, int]) -> LoadResult:
        """Send as `find_fastest` does, but accept refusals, too."""
        return self.begin(run_load, self.load(address, self.sizes.requests)).result()

    def load_steadily(self, address: tuple[str, int], rate: float) -> "Future[LoadResult]":
        """Begin to send on schedule; unlike with `find_fastest`, the caller has to check the answers."""
        return self.begin(run_load, self.load(address, int(rate * self.sizes.seconds), rate))

    def load_in_turn(self, addresses: dict[str, tuple[str, int]]) -> dict[str, list[float]]:
        """Let the servers take turns with first legs; return the rates of all rounds of each server."""
        rates: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(self.sizes.rounds):
            for name, address in addresses.items():
                rates[name].append(self.find_fastest(address).rate)
        return rates


@contextlib.contextmanager
def open_bench(options: argparse.Namespace, whole: Sizes, quick: Sizes) -> Iterator[Bench]:
    """Yield a `Bench`, with a folder and processes that end with it."""
    with (
        make_folder(options) as folder,
        # As many processes as loads that run side by side: first legs, answers, and log-ins without a code.
        ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as workers,
    ):
        yield Bench(folder, quick if options.quick else whole, workers)


def require_only(code: int, result: LoadResult) -> LoadResult:
    """Return the result of a load; end the program if any answer differs or is missing."""
    if result.lost or set(result.codes) != {code}:
        raise SystemExit(f"answers by code: {result.codes}, lost: {result.lost}; expected only code {code}")
    return result


def find_percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed; 0 if there are none."""
    ordered = sorted(values) or [0.0]
    return ordered[int((len(ordered) - 1) * share)]


def write_times(seconds: Sequence[float]) -> str:
    """Write the median, the 99th percentile and the longest, in ms."""
    p50, p99, longest = (find_percentile(seconds, share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"p50 {p50:.2f}, p99 {p99:.2f}, max {longest:.2f} ms"


def print_rates(title: str, rates: Mapping[str, Sequence[float]], base: str) -> None:
    """Print the median rate of each, with its ratio to that of one of them."""
    print(f"\n{title}")
    whole = statistics.median(rates[base])
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):.0f} to {max(values):.0f}"
        print(f"  {name:12} {median:8.0f} /s   ratio to {base} {median / whole:5.2f}   ({spread})")
