"""Who is meant by what an administrator types: a User-Name or a telephone number."""

from contextlib import suppress

from smsotp_plugin.assembly import find_names
from smsotp_plugin.errors import NumberError
from smsotp_plugin.login.budgets import Keys
from smsotp_plugin.settings import Settings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.person import Person


def find_person(settings: Settings, whom: str) -> Person:
    """
    Return under which names somebody stands in the store.

    Args:
        settings: The configuration.
        whom: A User-Name, or a telephone number as in the user's entry; where it can be either, both are meant.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: There is no key yet.
    """
    number = None
    with suppress(NumberError):
        number = parse_number(whom, settings.users.default_region)
    names = find_names(settings)
    keys = Keys(names)
    return Person(
        user=whom,
        shown=names.shown_names(whom),
        number_hashes=() if number is None else names.number_hashes(number),
        accounts=names.accounts(whom),
        budgets=(*keys.user(whom), *(() if number is None else keys.number(number))),
    )
