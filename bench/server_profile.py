"""Where the time of a running server goes, as py-spy sees it."""

import collections
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from smsotp_mocks.servers.freeradius import FreeRadiusServer

_SHOWN = 25
_SAMPLES = 250  # per second


def print_profile(server: FreeRadiusServer, seconds: float) -> None:
    """
    Sample the threads that hold the interpreter's lock and print the functions with the largest shares.

    Args:
        seconds: How long to sample; the server must be under load all that time.
    """
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        print("\n(no profile: py-spy is not installed)")
        return
    with tempfile.NamedTemporaryFile() as file:
        command = [program, "record", "--gil", "--pid", str(server.pid), "--rate", str(_SAMPLES)]
        command += ["--duration", str(int(seconds)), "--format", "raw", "--output", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"\n(no profile: py-spy says {done.stderr.strip()!r})")
            return
        stacks = [line.rpartition(" ") for line in Path(file.name).read_text().splitlines()]
    _print_shares([(stack.split(";"), int(count)) for stack, _, count in stacks], seconds)


def _print_shares(stacks: list[tuple[list[str], int]], seconds: float) -> None:
    total = sum(count for _, count in stacks)
    own: collections.Counter[str] = collections.Counter()
    below: collections.Counter[str] = collections.Counter()
    for frames, count in stacks:
        names = [frame.rpartition(":")[0] + ")" if ":" in frame else frame for frame in frames]
        own[names[-1]] += count
        for name in set(names):
            below[name] += count
    held = total / (seconds * _SAMPLES)
    print(
        f"\nWhile first legs are answered Python runs {held:.0%} of the time; of that, with what it calls (by itself):"
    )
    for name, count in below.most_common(_SHOWN):
        print(f"  {count / total:6.1%} ({own[name] / total:6.1%})  {name}")
