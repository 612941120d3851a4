"""What all processes that use one store should have alike in their configurations: whichever of them is asked goes by its own."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from pydantic import BaseModel

from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.fields.template import Template
from smsotp_plugin.settings.sections import Settings

#: Enough to tell two configurations of one site apart.
_DIGITS = 6
#: How many messages one process hands to a gateway at once is its own affair.
_OWN = frozenset({"workers"})


def name_settings(settings: Settings) -> tuple[str, ...]:
    """
    Return what stands for each of these sections, as ``NAME:DIGITS``.

    A setting that has its usual value counts as not set, so that a version which knows more settings agrees with one that knows fewer.
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
        # Which account a gateway is used with may differ from machine to machine; messages are planned by its name.
        "gateways": sorted(settings.gateways),
        "routes": settings.routes,
        "notifications": settings.notifications,
    }
    return tuple(
        f"{name}:{sha256(repr(_plain(section)).encode()).hexdigest()[:_DIGITS]}"
        for name, section in sections.items()
    )


def _plain(value: Any) -> Any:
    """Return what two equal settings have alike, whichever process has read them."""
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
