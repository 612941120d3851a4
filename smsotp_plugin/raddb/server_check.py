"""FreeRADIUS's own judgement of a raddb (``freeradius -C``)."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.account import run_as
from smsotp_plugin.raddb.tree import Raddb

_SECONDS = 60
#: How many lines are shown if none is marked as an error, and how many of the error output.
_LAST_LINES, _ERROR_LINES = 5, 20


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What the server's program said.

    Attributes:
        program: The program.
        command: As it can be typed.
        problems: Why it does not accept the configuration; none if it does.
    """

    program: Path
    command: str
    problems: list[str]


def judge_with_server(raddb: Raddb) -> Judgement | None:
    """
    Let FreeRADIUS check a configuration, as the user who decides which programs it runs.

    Returns:
        None if the program was not found.
    """
    program = raddb.program()
    if program is None:
        return None
    arguments = [str(program), "-C", "-l", "stdout", "-d", str(raddb.path)]
    command = " ".join(arguments)
    try:
        keeper = raddb.find_keeper()
    except ConfigError as exc:
        return Judgement(program, command, exc.problems)
    try:
        done = run_as(keeper, arguments, _SECONDS)
    except subprocess.TimeoutExpired:
        return Judgement(program, command, [f"it did not end within {_SECONDS} s"])
    except OSError as exc:
        return Judgement(program, command, [f"it cannot be run as {keeper.name}: {exc.strerror}"])
    problems = _find_problems(done.stdout, done.stderr, done.returncode) if done.returncode else []
    return Judgement(program, command, problems)


def _find_problems(output: bytes, errors: bytes, status: int) -> list[str]:
    lines, error_lines = (
        [line for line in text.decode(errors="replace").splitlines() if line.strip()]
        for text in (output, errors)
    )
    marked = [line.partition(": Error: ")[2] for line in lines if ": Error: " in line]
    # A program that cannot be loaded, or Python itself, write to the error output only.
    found = (marked or lines[-_LAST_LINES:]) + error_lines[-_ERROR_LINES:]
    return found or [f"it ended with status {status} and said nothing"]
