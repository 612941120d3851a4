"""The keys of a store, wherever the configuration has them, and what stands for them."""

from collections.abc import Sequence

from smsotp_plugin.codes import key_file
from smsotp_plugin.codes.keyed import name_key
from smsotp_plugin.settings.alike import name_settings
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.stores.key_names import NO_KEYS, KeyNames


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


def find_key_names(settings: Settings) -> KeyNames:
    """
    Return what stands for the keys of a store that others may use; none is made.

    Raises:
        ConfigError: The key file cannot be used.
    """
    return NO_KEYS if settings.store.makes_key else name_keys(settings, find_keys(settings))


def name_keys(settings: Settings, keys: Sequence[bytes]) -> KeyNames:
    """Return what stands for the keys that a configuration leads to, and for its settings."""
    store = settings.store
    place = "the configuration" if store.given_keys else f"the key file {store.key_path}"
    return KeyNames(tuple(map(name_key, keys)), place, name_settings(settings))
