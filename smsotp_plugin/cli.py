"""
The command ``smsotp``, the administrator's door. FreeRADIUS never loads it.

The commands are in `smsotp_plugin.commands`, one module each, imported only when the command is called: ``--help``
has to be quick.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from smsotp_plugin import __version__

#: Whether a path may be read is left to whoever reads it, and says what it is and why it cannot be.
_ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="SMSOTP_CONFIG",
        help="The configuration.",
        show_envvar=True,
        readable=False,
    ),
]
_RaddbOption = Annotated[
    Path,
    typer.Option("--raddb", metavar="DIR", help="FreeRADIUS's configuration directory.", readable=False),
]
_InstalledConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The plugin's configuration; otherwise that of the installed module.",
        readable=False,
    ),
]
_DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the changes and make none.")]
#: Bytes of the longest attribute of RADIUS that is text.
_LONGEST_WORDS = 253
#: Stands for a byte that Python could not read.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
#: What systemd takes for User=, see "User/Group Name Syntax" of systemd.
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}")
_DEFAULT_CONFIG = Path("/etc/smsotp/smsotp.toml")

app = typer.Typer(
    help="SMS one-time passwords as a second factor for FreeRADIUS.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # the other one takes [queue] for a style, and leaves it out
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
freeradius_app = typer.Typer(
    help="Install the plugin into FreeRADIUS, check it, or remove it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
store_app = typer.Typer(
    help="Move the content of a store.", no_args_is_help=True, rich_markup_mode="markdown"
)
app.add_typer(freeradius_app, name="freeradius")
app.add_typer(store_app, name="store")


def _check_words(words: str) -> str:
    """Refuse what no attribute of RADIUS can hold, so that no command has to do with it."""
    try:
        # Where the terminal has another character set, what Python could not read may still be UTF-8.
        words = os.fsencode(words).decode() if _SURROGATE.search(words) else words
    except UnicodeError:
        raise typer.BadParameter("it is not UTF-8 text") from None
    if len(words.encode()) > _LONGEST_WORDS:
        raise typer.BadParameter(
            f"it has more than {_LONGEST_WORDS} bytes, so it is neither a name nor a number"
        )
    return words


def _check_whom(whom: str) -> str:
    if not whom:
        raise typer.BadParameter("it is empty: say who is meant")
    return _check_words(whom)


def _check_account(name: str) -> str:
    if not _ACCOUNT.fullmatch(name):
        raise typer.BadParameter("it cannot be the name of a user of this machine")
    return name


def _whom(metavar: str, meaning: str) -> Any:
    """Return an argument that names somebody, as an attribute may hold it."""
    return typer.Argument(metavar=metavar, help=meaning, callback=_check_whom)


def _attribute(name: str, metavar: str, meaning: str) -> Any:
    """Return an option that holds what an attribute may hold."""
    return typer.Option(name, metavar=metavar, help=meaning, callback=_check_words)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if wanted:
        typer.echo(f"smsotp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """SMS one-time passwords as a second factor for FreeRADIUS."""


@app.command()
def check(*, config: _ConfigOption = _DEFAULT_CONFIG) -> None:
    """
    Check the configuration as FreeRADIUS does when it starts, and summarize it.

    Only this file is checked, with your own rights; before you restart FreeRADIUS, run ``smsotp freeradius check``. Exit code 0: the
    configuration can be used. 2: it has problems.
    """
    from smsotp_plugin.commands.check import check_configuration  # noqa: PLC0415  (quick --help)

    raise typer.Exit(check_configuration(config))


@app.command()
def route(
    number: Annotated[str, _whom("NUMBER", "As the user's entry holds it.")],
    *,
    user: Annotated[str, _attribute("--user", "NAME", "User-Name; its realm may decide.")] = "",
    language: Annotated[str, _attribute("--language", "L", "Value of control:SMSOTP-Language.")] = "",
    gateway: Annotated[str, _attribute("--gateway", "NAME", "Value of control:SMSOTP-Gateway.")] = "",
    config: _ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """
    Explain which gateways a code for this number goes through, in which order, and why.

    Exit code 0: there is a route. 1: there is none. 2: the configuration has problems.
    """
    from smsotp_plugin.commands.route import explain_route  # noqa: PLC0415  (quick --help)

    raise typer.Exit(explain_route(config, number, user, language, gateway))


@app.command()
def trace(
    whom: Annotated[str, _whom("USER|NUMBER|REFERENCE", "Whose messages, or the reference of one.")],
    *,
    messages: Annotated[
        int, typer.Option("--last", metavar="N", min=1, max=1000, help="How many of the newest messages.")
    ] = 5,
    config: _ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """
    Show what became of somebody's newest messages, step by step; the server may be running.

    Run it as root or as the user that FreeRADIUS runs as. Exit code 0: something was found. 1: nothing was found, or it
    cannot be read. 2: the configuration has problems.
    """
    from smsotp_plugin.commands.trace import trace as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(config, whom, messages))


@app.command()
def erase(
    whom: Annotated[str, _whom("USER|NUMBER", "Who; a number as in the user's entry.")],
    *,
    config: _ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """
    Remove everything kept about one person: log-ins, SMS that wait, and the delivery log; the server may be running.

    Only this spelling of a name is found, so run it for the number as well. Run it as root or as the user that FreeRADIUS runs as.
    Exit code 0: nothing of them is left. 1: it cannot be removed. 2: the configuration has problems.
    """
    from smsotp_plugin.commands.erase import erase as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(config, whom))


@app.command()
def unlock(
    whom: Annotated[str, _whom("USER|NUMBER", "Who, in any spelling; a number as in the user's entry.")],
    *,
    config: _ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """
    Forget somebody's wrong codes, so that they get a code at once; the server may be running.

    Run it as root or as the user that FreeRADIUS runs as. Exit code 0: they are forgotten. 1: there were none, or the store
    cannot be used. 2: the configuration has problems.
    """
    from smsotp_plugin.commands.unlock import unlock as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(config, whom))


@app.command()
def limits(
    whom: Annotated[
        str,
        typer.Argument(
            metavar="USER|NUMBER|BRAKE",
            help="Whose SMS, in any spelling, or the name of a brake; without it, the limits that were exceeded are shown.",
            callback=_check_words,
        ),
    ] = "",
    *,
    lift: Annotated[bool, typer.Option("--lift", help="Set their counts back, or end the brake.")] = False,
    config: _ConfigOption = _DEFAULT_CONFIG,
) -> None:
    """
    Show which limits were exceeded, or how many SMS count for somebody, and lift limits; the server may be running.

    Run it as root or as the user that FreeRADIUS runs as. Exit code 0: it is shown, and lifted if you asked for that. 1: the
    store cannot be used. 2: the configuration has problems.
    """
    from smsotp_plugin.commands.limits import show_limits  # noqa: PLC0415  (quick --help)

    raise typer.Exit(show_limits(config, whom, lift=lift))


@store_app.command()
def copy(
    source: Annotated[
        Path,
        typer.Argument(metavar="FROM", help="The configuration whose store is read.", readable=False),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="TO", help="The configuration whose store is filled.", readable=False),
    ],
) -> None:
    """
    Copy everything in a store into another one that is empty; no server that uses either may be running.

    Run it as the user that FreeRADIUS runs as. Exit code 0: everything is copied. 1: a store cannot be used. 2: a configuration has
    problems.
    """
    from smsotp_plugin.commands.store_copy import copy as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(source, target))


@app.command()
def worker(
    *,
    config: _ConfigOption = _DEFAULT_CONFIG,
    unit: Annotated[
        bool, typer.Option("--unit", help="Print the systemd unit smsotp-worker@.service instead.")
    ] = False,
    user: Annotated[
        str,
        typer.Option(
            "--user",
            metavar="NAME",
            help="With --unit: who runs it; it reads the configuration.",
            callback=_check_account,
        ),
    ] = "freerad",
) -> None:
    """
    Take messages from the queue and send them, until SIGTERM, SIGHUP or Ctrl-C; needs ``[queue] mode = "workers"``.

    There may be any number of workers, on any machines, with the configuration of the FreeRADIUS servers. The log goes to standard error.
    Exit code 0: it was told to stop. 2: the configuration cannot be used. 1: the store cannot be used.
    """
    from smsotp_plugin.commands.worker import run_worker, write_unit  # noqa: PLC0415  (quick --help)

    if unit:
        typer.echo(write_unit(config, user), nl=False)
    else:
        run_worker(config)


@freeradius_app.command()
def install(
    *,
    raddb: _RaddbOption,
    config: _ConfigOption = _DEFAULT_CONFIG,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="ADDR:PORT",
            help="Enable the example virtual server there: 127.0.0.1:1812, *:1812 or [::1]:1812.",
        ),
    ] = None,
    dry_run: _DryRunOption = False,
) -> None:
    """
    Write the module, the policies, the dictionary entries and an example virtual server into FreeRADIUS's configuration.

    It can be run again at any time, for example after an upgrade. Exit code 0: everything is in place. 2: it cannot be installed,
    and nothing was changed. 1: it was installed, but FreeRADIUS does not accept its configuration; or only partly, and the output
    says what is missing.
    """
    from smsotp_plugin.commands.freeradius_install import install as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(raddb, config, listen, dry_run=dry_run))


@freeradius_app.command("check")
def freeradius_check(
    *,
    raddb: _RaddbOption,
    config: _InstalledConfigOption = None,
    before_start: Annotated[
        bool,
        typer.Option(
            "--before-start",
            help="For FreeRADIUS's unit: the exit code tells only what keeps it from starting, and freeradius -C is "
            "left out.",
        ),
    ] = False,
) -> None:
    """
    Report what would keep FreeRADIUS from starting, and where people would get in without a code.

    It looks with the rights of FreeRADIUS's user, and changes nothing. Exit code 0: all is right. 1: something is wrong. 2: there is no
    FreeRADIUS configuration to look at.
    """
    from smsotp_plugin.commands.freeradius_check import check_server  # noqa: PLC0415  (quick --help)

    raise typer.Exit(check_server(raddb, config, _DEFAULT_CONFIG, before_start=before_start))


@freeradius_app.command()
def unit(*, raddb: _RaddbOption, config: _InstalledConfigOption = None) -> None:
    """
    Print a drop-in for FreeRADIUS's systemd unit that runs the check before each start.

    Exit code 0: it is printed. 2: there is no such FreeRADIUS configuration, or none of the plugin.
    """
    from smsotp_plugin.commands.freeradius_unit import drop_in  # noqa: PLC0415  (quick --help)

    typer.echo(drop_in(raddb, config), nl=False)


@freeradius_app.command()
def uninstall(
    *,
    raddb: _RaddbOption,
    dry_run: _DryRunOption = False,
) -> None:
    """
    Restore FreeRADIUS's configuration to what it was before the installation.

    It refuses while something there still uses the plugin, and says where. Exit code 0: the plugin is removed. 2: something still uses
    it or was changed by hand, and nothing was changed. 1: it is removed, but FreeRADIUS does not accept its configuration; or only
    partly, and the output says what is left.
    """
    from smsotp_plugin.commands.freeradius_uninstall import uninstall as run  # noqa: PLC0415  (quick --help)

    raise typer.Exit(run(raddb, dry_run=dry_run))


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def mocks(context: typer.Context) -> None:
    """Start mock SMS gateways and their inbox page; ``smsotp mocks --help`` lists the options."""
    from smsotp_plugin.commands.mocks import run_mocks  # noqa: PLC0415  (quick --help)

    run_mocks(context.args)
