"""What happened to single log-ins of the soak: the packets of each, its SMS, and what the server recorded about it."""

import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.grammar import agree

_SHOWN = 20  # of each kind
_LINES_SHOWN, _WIDTH = 30, 200
_TRACE_LIMIT = 60.0  # seconds
_LOG_TIME = "%a %b %d %H:%M:%S %Y"
_NAME = re.compile(r'\buser (".*?")( \([0-9a-f]{8}\))?')
_NAMING = ("user ", "message ", " - ID: ")
#: A line of the server that names nobody belongs to each log-in that was under way within this many seconds.
_NEAR = 2.0


@dataclass(frozen=True, slots=True)
class Note:
    """
    Something that happened to a log-in.

    Attributes:
        at: Unix seconds.
        text: In words.
    """

    at: float
    text: str

    @classmethod
    def now(cls, text: str) -> "Note":
        """Note something that happens now."""
        return cls(time.time(), text)


@dataclass(frozen=True, slots=True)
class Story:
    """
    One log-in that did not end well.

    Attributes:
        how: How it ended.
        user: Whose it was.
        state: The State of its challenge; empty if there was none.
        places: Port and identifier of its packets.
        notes: What happened to it, in order.
    """

    how: str
    user: str
    state: str
    places: Sequence[tuple[int, int]]
    notes: Sequence[Note]


def print_stories(stories: Iterable[Story], server: FreeRadiusServer) -> None:
    """Print some stories of each kind, with what the server's log and its delivery log have; the server may have ended."""
    kinds: defaultdict[str, list[Story]] = defaultdict(list)
    for story in stories:
        kinds[story.how].append(story)
    lines = server.log_text().splitlines()
    for how, some in kinds.items():
        print(
            f"\n{len(some)} {agree(len(some), 'log-in')} {how}"
            + (f", {_SHOWN} of them:" if len(some) > _SHOWN else ":")
        )
        for story in islice(some, _SHOWN):
            _print_story(story, server, lines)


def _print_story(story: Story, server: FreeRadiusServer, lines: Sequence[str]) -> None:
    begin = story.notes[0].at
    reference = reference_of(story.state) if story.state else ""
    print(f"\n{story.how}: user {story.user}, challenge {reference or 'none'}, {time.ctime(begin)}")
    for note in story.notes:
        print(f"  {note.at - begin:+8.3f} s  {note.text}")
    traced = _trace(server, reference or story.user)
    print("  trace:", *traced.splitlines(), sep="\n    ")
    found = _find_lines(story, reference, traced, lines)
    for line in found[:_LINES_SHOWN]:
        print(f"  log: {line[:_WIDTH]}")
    if len(found) > _LINES_SHOWN:
        print(f"  log: and more, {len(found)} lines in all")


def _trace(server: FreeRadiusServer, whom: str) -> str:
    command = [str(server.smsotp), "trace", "--config", str(server.config_file), whom]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_TRACE_LIMIT, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout + done.stderr


def _find_lines(story: Story, reference: str, traced: str, lines: Sequence[str]) -> list[str]:
    """Return the lines of the log that name the log-in, its user or its packets, and errors near it that name nobody."""
    names = {match[0] for match in _NAME.finditer(traced)}
    names |= {f"port {port} - ID: {identifier} " for port, identifier in story.places}
    names |= {reference} if reference else set()
    first, last = story.notes[0].at - _NEAR, story.notes[-1].at + _NEAR
    return [
        line
        for line in lines
        if any(name in line for name in names) or (_concerns_all(line) and first <= _read_time(line) <= last)
    ]


def _concerns_all(line: str) -> bool:
    return " : Error" in line and not any(word in line for word in _NAMING)


def _read_time(line: str) -> float:
    try:
        return time.mktime(time.strptime(line.partition(" : ")[0], _LOG_TIME))
    except ValueError:
        return 0.0
