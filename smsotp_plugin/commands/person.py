"""Who is meant by what an administrator types: a User-Name or a telephone number."""

from contextlib import suppress

from smsotp_plugin.assembly import build_codes
from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.errors import NumberError, StoreError
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
        StoreError: The key is needed, and there is none yet.
    """
    number = None
    with suppress(NumberError):
        number = parse_number(whom, settings.users.default_region)
    if number is None and mask_name(whom, settings.otp.length, settings.otp.alphabet) == whom:
        return Person(user=whom, shown=(whom,))
    if not settings.store.given_keys and not settings.store.key_path.exists():
        raise StoreError(
            f"there is no key {settings.store.key_path} to find a number by: FreeRADIUS makes it at its first start"
        )
    names = build_codes(settings).names
    number_hashes = () if number is None else names.number_hashes(number)
    return Person(user=whom, shown=names.shown_names(whom), number_hashes=number_hashes)
