"""The keys of a store, wherever the configuration has them."""

import logging

from smsotp_plugin.codes import key_file
from smsotp_plugin.settings.sections import Settings

log = logging.getLogger("smsotp.store")


def load_keys(settings: Settings) -> tuple[bytes, ...]:
    """
    Return the keys of a store, the present one first. A key is made if there is none and the store makes its own.

    If the store had a key before, the log says that it is lost.

    Raises:
        ConfigError: The key file cannot be used.
    """
    store = settings.store
    if store.given_keys or not store.makes_key:
        return find_keys(settings)
    is_lost = bool(store.find_files()) and not key_file.has_keys(store.key_path)
    keys = key_file.load_or_make_keys(store.key_path)
    if is_lost:
        log.warning(
            "the key file %s was not there and has been made anew: pending codes, waiting messages and what %s has counted "
            "are worth nothing with another key; if you have the old file, stop the server, put it back and start it again",
            store.key_path,
            store.place,
        )
    return keys


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
