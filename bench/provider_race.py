"""What the measurements of all providers share: ways to send the same messages, run in turn against one peer."""

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.providers.base import GatewayContext, Provider
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.phone import parse_number

TEXT = "123456 is your code, valid for 5 minutes"
NUMBER = "491701234567"
#: More threads would not help a client that holds the interpreter's lock while it works.
THREADS = 4
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way to send.

    Attributes:
        name: For the table.
        run: Sends this many messages to the peer at this port, and returns when all are answered.
        share: Its share of the messages of a run; small for a slow way.
    """

    name: str
    run: Callable[[int, int], None]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """
    The results of all runs of one way.

    Attributes:
        rate: Messages per second.
        cpu: CPU time of this process for each message, in µs; the peer is another process. None if there was no run.
    """

    rate: float
    cpu: float | None = None


def race(peer: str, ways: Sequence[Way], messages: int, rounds: int, *arguments: str) -> dict[str, Figures]:
    """
    Return the medians of each way.

    Args:
        peer: The program of this folder that plays the gateway.
        ways: They take turns.
        messages: How many each run sends.
        rounds: Runs of each way.
        arguments: For the peer.
    """
    runs: dict[str, list[Figures]] = {way.name: [] for way in ways}
    with _run(peer, *arguments) as port:
        for _ in range(rounds):
            for way in ways:
                runs[way.name].append(_measure(way, port, max(1, round(messages * way.share))))
    return {name: _medians(figures) for name, figures in runs.items()}


def run_in_threads(threads: int, messages: int, send_some: Callable[[int], None]) -> None:
    """Share messages among threads, tell each thread how many it has to send, and wait for all threads."""
    running = [threading.Thread(target=send_some, args=(messages // threads,)) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def race_in_parallel(name: str, send_some: Callable[[int, int], None], share: float = 1.0) -> Way:
    """Return a way that shares its messages among `THREADS` threads, and tells each thread the port and its number of messages."""
    return Way(name, lambda port, count: run_in_threads(THREADS, count, partial(send_some, port)), share)


def send_through_provider(
    kind: type[Provider[Any, Any, Any]],
    table: Mapping[str, Any],
    threads: int,
    messages: int,
    context: Mapping[str, Any] | None = None,
) -> None:
    """Submit from several threads, as the dispatcher does."""
    settings = kind.Settings.model_validate(dict(table), context=context)
    gateway = kind(GatewayContext("bench", _CLOCK), settings)
    number = parse_number(f"+{NUMBER}", None)
    message = Message(
        "bench", "bob", number, SecretStr("123456"), SecretStr(TEXT), expires=_CLOCK.time() + 300
    )

    def send_some(count: int) -> None:
        for _ in range(count):
            gateway.submit(message, Deadline.after(10, _CLOCK))

    gateway.open()
    try:
        run_in_threads(threads, messages, send_some)
    finally:
        gateway.close()


def print_figures(title: str, ways: Mapping[str, Figures], base: str) -> None:
    """Print messages per second, each with its ratio to one of them, and the CPU that a message takes."""
    print(f"\n{title}")
    for name, figures in ways.items():
        cpu = "" if figures.cpu is None else f"{figures.cpu:8.0f} µs CPU"
        print(f"  {name:44}{figures.rate:8.0f} /s   {figures.rate / ways[base].rate:5.2f}{cpu}".rstrip())


def _measure(way: Way, port: int, messages: int) -> Figures:
    began, cpu = time.perf_counter(), time.process_time()
    way.run(port, messages)
    return Figures(messages / (time.perf_counter() - began), (time.process_time() - cpu) / messages * 1e6)


def _medians(runs: Sequence[Figures]) -> Figures:
    return Figures(
        statistics.median(run.rate for run in runs),
        statistics.median(run.cpu for run in runs if run.cpu is not None),
    )


@contextlib.contextmanager
def _run(peer: str, *arguments: str) -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name(peer)), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()
