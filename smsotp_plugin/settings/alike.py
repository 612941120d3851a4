"""What should be the same in all processes that use one store, because each goes by its own: keys and settings."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pydantic import BaseModel

from smsotp_plugin.codes.keyed import name_key
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.fields.template import Template
from smsotp_plugin.settings.keys import find_keys
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits

#: Enough to tell two configurations of one site apart.
_DIGITS = 6
#: Each process decides by itself how many messages it hands to a gateway at once.
_OWN = frozenset({"workers"})


def find_traits(settings: Settings) -> ProcessTraits:
    """
    Return what a process must have in common with the others that use its store; no key is made.

    Raises:
        ConfigError: The key file cannot be used.
    """
    return NO_TRAITS if settings.store.makes_key else make_traits(settings, find_keys(settings))


def make_traits(settings: Settings, keys: Sequence[bytes]) -> ProcessTraits:
    """Return the same for a process that has these keys."""
    store = settings.store
    place = "the configuration" if store.given_keys else f"the key file {store.key_path}"
    return ProcessTraits(tuple(map(name_key, keys)), place, name_settings(settings))


def name_settings(settings: Settings) -> tuple[str, ...]:
    """
    Return a fingerprint of each of these sections, as ``NAME:DIGITS``.

    A setting with its default value counts as not set, so that a version with more settings agrees with one that has fewer.
    """
    sections = {
        "otp": settings.otp,
        "challenge": settings.challenge,
        "guesses": settings.guesses,
        "limits": settings.limits,
        "users": settings.users,
        "dispatch": settings.dispatch,
        "queue": settings.queue.mode,
        "delivery_log": settings.delivery_log,
        # A gateway's account may differ from machine to machine; messages are planned by the gateway's name.
        "gateways": sorted(settings.gateways),
        "routes": settings.routes,
        "notifications": settings.notifications,
    }
    return tuple(
        f"{name}:{sha256(repr(_plain(section)).encode()).hexdigest()[:_DIGITS]}"
        for name, section in sections.items()
    )


def _plain(value: Any) -> Any:
    """Return a setting in a form that is the same for equal settings, whichever process has read them."""
    match value:
        case BaseModel():
            return {
                name: _plain(getattr(value, name))
                for name, field in sorted(type(value).model_fields.items())
                if name not in _OWN and getattr(value, name) != field.get_default(call_default_factory=True)
            }
        case Template(source=source):
            return source
        case Quota(most=most, seconds=seconds):
            return most, seconds
        case Mapping():
            return {str(name): _plain(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return str(value)
