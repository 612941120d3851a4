"""``smsotp unlock``: forgets somebody's wrong codes, whether or not a server is running."""

from pathlib import Path

from rich.text import Text

from smsotp_plugin.commands.person import find_person
from smsotp_plugin.commands.terminal import open_consoles, tells_failures
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import quote
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.schemes import unlock_account


@tells_failures
def unlock(config: Path, whom: str) -> int:
    """
    Forget the wrong codes of an account, and say how many there were.

    Args:
        config: The configuration.
        whom: A User-Name in any spelling, or a telephone number.

    Returns:
        The exit code: 0, 1 if there were none or the store cannot be used, 2 if the configuration cannot be used.
    """
    out, err = open_consoles()
    settings = load_settings(config)
    person = find_person(settings, whom)
    forgotten = unlock_account(settings.store, (*person.accounts, *person.number_hashes))
    if not forgotten:
        err.print(Text(f"smsotp: no wrong codes are counted for {quote(whom)}"))
        return 1
    codes = agree(forgotten, "1 wrong code is", f"{forgotten} wrong codes are")
    out.print(Text(f"{quote(whom)}: {codes} forgotten; the next code comes at once."))
    return 0
