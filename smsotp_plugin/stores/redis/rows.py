"""A challenge as the scripts take and return it."""

from dataclasses import fields
from operator import attrgetter
from typing import cast

from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kept import KeptMessage
from smsotp_plugin.stores.redis.foreign import read_moment
from smsotp_plugin.stores.redis.line import Reply, Word

#: The order of CHALLENGE in shared.lua.
NAMES = tuple(field.name for field in fields(Challenge))
_row_of = attrgetter(*NAMES)


def write_challenge(challenge: Challenge) -> list[Word | float]:
    """Return the fields of a challenge."""
    return [*_row_of(challenge)]


def write_message(message: KeptMessage) -> list[Word | float]:
    """Return what is kept of a message besides its name."""
    return [message.site, message.expires, message.sealed]


def read_challenge(reply: Reply) -> Challenge:
    """Return the challenge that a script has returned."""
    (
        state,
        user,
        login,
        seed,
        seal,
        number,
        number_hash,
        created,
        expires,
        tries_left,
        resends,
        undelivered,
        mark,
    ) = (value.decode() for value in cast("list[bytes]", reply))
    return Challenge(
        state=state,
        user=user,
        login=login,
        seed=seed,
        seal=seal,
        number=number,
        number_hash=number_hash,
        created=read_moment(created),
        expires=read_moment(expires),
        tries_left=int(tries_left),
        resends=int(resends),
        undelivered=undelivered,
        mark=mark,
    )
