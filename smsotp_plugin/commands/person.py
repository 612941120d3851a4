"""Which person an administrator means by a User-Name or a telephone number."""

from dataclasses import replace

from smsotp_plugin.assembly import find_names
from smsotp_plugin.codes.names import mask_name
from smsotp_plugin.dispatch.stream import name_holder
from smsotp_plugin.errors import NumberError
from smsotp_plugin.login.budget_keys import NO_CODE, Keys
from smsotp_plugin.settings import Settings
from smsotp_plugin.sms.phone import PhoneNumber, parse_number
from smsotp_plugin.stores.person import StoredPerson


def find_person(settings: Settings, whom: str) -> StoredPerson:
    """
    Return the names under which somebody is in the store.

    Args:
        settings: The configuration.
        whom: A User-Name, or a telephone number as in the user's entry; if it can be either, both are meant.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: There is no key yet.
    """
    number, names = _read_number(settings, whom), find_names(settings)
    keys = Keys(names)
    without_code = keys.with_purpose(NO_CODE, whom, number)
    who = [("user", shown) for shown in names.mask_user_each(whom)]
    who += [] if number is None else [("number", number.e164)]
    return replace(
        find_traced(settings, whom),
        accounts=names.accounts(whom),
        budgets=(
            *keys.user(whom),
            *(() if number is None else keys.number(number)),
            *without_code,
        ),
        holders=tuple(holder for each in who for holder in name_holder(names.fingerprints, *each)),
        without_code=without_code,
    )


def find_traced(settings: Settings, whom: str) -> StoredPerson:
    """
    Return the names under which somebody is in the delivery log; a name that hides nothing needs no key.

    Args:
        settings: The configuration.
        whom: As above.

    Raises:
        ConfigError: The key file cannot be used.
        StoreError: The key is needed, and there is none yet.
    """
    number = _read_number(settings, whom)
    if number is None and mask_name(whom, settings.otp.length, settings.otp.alphabet) == whom:
        return StoredPerson(user=whom, shown=(whom,))
    names = find_names(settings)
    number_hashes = () if number is None else names.number_hashes(number)
    return StoredPerson(user=whom, shown=names.mask_user_each(whom), number_hashes=number_hashes)


def _read_number(settings: Settings, whom: str) -> PhoneNumber | None:
    try:
        return parse_number(whom, settings.users.default_region)
    except NumberError:
        return None
