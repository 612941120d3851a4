"""``smsotp check``: judges the configuration as the plugin will when FreeRADIUS starts."""

from pathlib import Path

from rich.text import Text

from smsotp_plugin.commands.check_store import look_after_store
from smsotp_plugin.commands.terminal import (
    open_consoles,
    print_each,
    print_problems,
    print_warnings,
    write_table,
)
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import make_printable
from smsotp_plugin.settings import Settings, load_settings


def check_configuration(config: Path) -> int:
    """
    Print problems, or warnings and a summary.

    Returns:
        The exit code: 0 when the configuration can be used, else 2.
    """
    out, err = open_consoles()
    try:
        settings = load_settings(config)
    except ConfigError as exc:
        print_problems(err, exc.problems)
        return 2
    print_warnings(err, settings, config)
    found = look_after_store(settings)
    print_each(err, [f"{config}: {warning}" for warning in found.warnings])
    if found.problems:
        print_problems(err, [f"{config}: {problem}" for problem in found.problems])
        return 2
    out.print(_summarise(settings, found.workers))
    out.print(Text(f"{make_printable(str(config))} can be used."))
    return 0


def _summarise(settings: Settings, workers: str) -> Text:
    otp, challenge, store, dispatch = settings.otp, settings.challenge, settings.store, settings.dispatch
    guesses = settings.guesses
    queued = agree(dispatch.queue, "message on its way", "messages on their way")
    kind = "digits" if otp.alphabet.isdigit() else "characters"
    rows = [
        (
            "code",
            f"{otp.length} {kind}, good for {otp.ttl} s, {otp.max_attempts} {agree(otp.max_attempts, 'try', 'tries')}",
        ),
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
        ("dispatch", f"up to {dispatch.queue} {queued}, {dispatch.deadline:g} s each"),
    ]
    rows += [(f"gateway {name}", gateway.provider) for name, gateway in settings.gateways.items()]
    return write_table(rows)
