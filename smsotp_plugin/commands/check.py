"""``smsotp check``: the judgement that FreeRADIUS will make at its start."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsotp_plugin.commands.check_queue import look_after_queue
from smsotp_plugin.errors import ConfigError, SmsOtpError
from smsotp_plugin.log import make_printable
from smsotp_plugin.settings import Settings, find_warnings, load_settings


def check_configuration(config: Path) -> int:
    """
    Print problems, or warnings and a summary.

    Returns:
        The exit code: 0 when the configuration can be used, else 2.
    """
    out, err = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        settings = load_settings(config)
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    print_warnings(err, settings, config)
    found = look_after_queue(settings)
    _print_each(err, [f"{config}: {warning}" for warning in found.warnings])
    if found.problems:
        print_problems(err, [f"{config}: {problem}" for problem in found.problems])
        return 2
    out.print(_summarise(settings, found.workers))
    out.print(Text(f"{make_printable(str(config))} can be used."))
    return 0


def print_problems(console: Console, problems: list[str]) -> None:
    """Print one problem per line, and how many there are."""
    for problem in problems:
        console.print(Text.assemble(("problem: ", "bold red"), make_printable(problem)))
    console.print(Text("1 problem." if len(problems) == 1 else f"{len(problems)} problems."))


def print_failure(console: Console, failure: SmsOtpError) -> None:
    """Print why a command cannot do what it should; what a store or a gateway has put into it is not obeyed by the terminal."""
    console.print(Text(f"smsotp: {make_printable(str(failure))}"))


def print_warnings(console: Console, settings: Settings, config: Path) -> None:
    """Print one warning per line."""
    _print_each(console, find_warnings(settings, config))


def _print_each(console: Console, warnings: Sequence[str]) -> None:
    for warning in warnings:
        console.print(Text.assemble(("warning: ", "bold yellow"), make_printable(warning)))


def write_table(rows: Sequence[Sequence[str]]) -> Text:
    """Write rows, each column as wide as its longest cell; nothing is cut off, however narrow the terminal is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)) for row in rows]
    return Text("\n".join(make_printable(line.rstrip()) for line in lines))


def _summarise(settings: Settings, workers: str) -> Text:
    otp, challenge, store, dispatch = settings.otp, settings.challenge, settings.store, settings.dispatch
    guesses = settings.guesses
    kind = "digits" if otp.alphabet.isdigit() else "characters"
    rows = [
        ("code", f"{otp.length} {kind}, good for {otp.ttl} s, {otp.max_attempts} tries"),
        (
            "wrong codes",
            f"after {guesses.free} in a row, a wait of {guesses.first_wait} to {guesses.longest_wait} s",
        ),
        (
            "guessing",
            f"{guesses.most} of {otp.codes} codes for each user and day: 1 in {otp.codes // guesses.most}",
        ),
        ("prompt", challenge.prompt.source),
        ("number from", ", ".join(settings.users.number)),
        ("store", store.place),
        ("key", "in the configuration" if store.given_keys else str(store.key_path)),
        ("queue", settings.queue.describe()),
        *([("workers", workers)] if workers else []),
        ("dispatch", f"up to {dispatch.queue} messages on their way, {dispatch.deadline:g} s each"),
    ]
    rows += [(f"gateway {name}", gateway.provider) for name, gateway in settings.gateways.items()]
    return write_table(rows)
