"""The keys of a store, wherever the configuration has them."""

from smsotp_plugin.codes import key_file
from smsotp_plugin.settings.sections import Settings


def load_keys(settings: Settings) -> tuple[bytes, ...]:
    """
    Return the keys of a store, the present one first; one is made where the store makes its own.

    Raises:
        ConfigError: The key file cannot be used.
    """
    store = settings.store
    if not store.given_keys and store.makes_key:
        return key_file.load_or_make_keys(store.key_path)
    return find_keys(settings)


def find_keys(settings: Settings) -> tuple[bytes, ...]:
    """
    Return the keys of a store, the present one first; none is made.

    Raises:
        ConfigError: The key file cannot be used.
    """
    store = settings.store
    if store.given_keys:
        return tuple(key.encode() for key in store.given_keys)
    return key_file.load_keys(store.key_path)
