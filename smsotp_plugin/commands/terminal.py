"""What all commands print in the same way: problems, failures, warnings and tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from rich.console import Console
from rich.text import Text

from smsotp_plugin.errors import ConfigError, SmsOtpError, StoreError
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import make_printable
from smsotp_plugin.settings import Settings, find_warnings

_P = ParamSpec("_P")


def open_consoles() -> tuple[Console, Console]:
    """Return consoles for standard output and standard error; they neither wrap lines nor colour them by their content."""
    return Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)


def tells_failures(command: Callable[_P, int]) -> Callable[_P, int]:
    """Have a command print why it cannot do its work; its exit code is then 2 for the configuration and 1 for the store."""

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> int:
        _, err = open_consoles()
        try:
            return command(*args, **kwargs)
        except ConfigError as exc:
            print_problems(err, exc.problems)
            return 2
        except StoreError as exc:
            print_failure(err, exc)
            return 1

    return run


@contextmanager
def looks_at_server() -> Iterator[None]:
    """
    Look at FreeRADIUS's configuration in this context.

    Raises:
        ConfigError: The operating system does not allow it.
    """
    try:
        yield
    except OSError as exc:
        advice = "; do it as root" if isinstance(exc, PermissionError) else ""
        raise ConfigError(
            [f"{exc.filename or 'a file without a name'} cannot be looked at: {exc.strerror}{advice}"]
        ) from exc


def print_problems(console: Console, problems: list[str]) -> None:
    """Print one problem per line, and how many there are."""
    for problem in problems:
        console.print(Text.assemble(("problem: ", "bold red"), make_printable(problem)))
    console.print(Text(f"{len(problems)} {agree(len(problems), 'problem')}."))


def print_failure(console: Console, failure: SmsOtpError) -> None:
    """Print why a command cannot do what it should; text from a store or a gateway cannot control the terminal."""
    console.print(Text(f"smsotp: {make_printable(str(failure))}"))


def print_warnings(console: Console, settings: Settings, config: Path) -> None:
    """Print what a configuration allows but probably does not mean."""
    print_each(console, find_warnings(settings, config))


def print_each(console: Console, warnings: Sequence[str]) -> None:
    """Print one warning per line."""
    for warning in warnings:
        console.print(Text.assemble(("warning: ", "bold yellow"), make_printable(warning)))


def write_table(rows: Sequence[Sequence[str]]) -> Text:
    """Write rows, each column as wide as its longest cell; nothing is cut off, however narrow the terminal is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)) for row in rows]
    return Text("\n".join(make_printable(line.rstrip()) for line in lines))
