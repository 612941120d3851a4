"""Checks whether a Redis can be used, and whether its user has the rights that log-ins need."""

import re
from collections.abc import Iterator, Sequence
from typing import cast

from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.redis.foreign import reads_replies
from smsotp_plugin.stores.redis.line import ReplyError, explain
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.same_key import make_error
from smsotp_plugin.stores.redis.scripts import Scripts

#: The version of the oldest Redis that has all commands of the scripts.
_OLDEST = (6, 2)
#: No State and no key has this name.
_NOBODY = "nobody"


@reads_replies
def look_at_redis(scripts: Scripts) -> Sequence[str]:
    """
    Judge a Redis; afterwards it holds what it held before.

    Returns:
        Warnings, as `StoreKind.look`.

    Raises:
        StoreError: It cannot be used.
    """
    hello, read, write, info = scripts.run_all(
        [
            Command(("HELLO", 2)),
            # Needs the right to run scripts, and TIME.
            scripts.command("find", [f"challenge:{_NOBODY}"], _NOBODY, ""),
            # Nothing has that name, so nothing changes. This needs the right to write, which a replica does not have either.
            Command(("DEL", scripts.key(_NOBODY))),
            Command(("INFO", "memory")),
        ]
    )
    _judge_version(hello)
    for reply in (read, write):
        if isinstance(reply, ReplyError):
            raise StoreError(
                f"this Redis, or this user of it, cannot be used: {explain(reply)}; see store.url, and the rights of its user"
            )
    return () if isinstance(info, ReplyError) else list(_find_warnings(cast("bytes", info).decode()))


def compare_keys_in_redis(scripts: Scripts, traits: ProcessTraits, place: str) -> None:
    """
    Judge the keys of a process that is to be started.

    Args:
        scripts: The way to the Redis.
        traits: The traits of the process.
        place: Where the Redis is, for people.

    Raises:
        OtherKey: See `StoreKind.compare_keys`.
        StoreError: Redis does not answer, or with an error.
    """
    if (
        traits.key_names
        and scripts.run("compare_keys", ["keys"], " ".join((_NOBODY, *traits.key_names))) == 1
    ):
        raise make_error(traits, place)


def _judge_version(hello: object) -> None:
    """
    Judge what HELLO answers; Redis has it since 6.0.

    Raises:
        StoreError: It is too old.
    """
    version = ""
    if not isinstance(hello, ReplyError):
        words = cast("list[bytes]", hello)
        version = words[words.index(b"version") + 1].decode()
    elif "unknown command" not in explain(hello):
        return
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        called = version or "before 6.0"
        raise StoreError(f"this Redis is too old (version {called}): 6.2 or later is needed; see store.url")


def _find_warnings(info: str) -> Iterator[str]:
    policy = re.search(r"^maxmemory_policy:([a-z-]+)", info, re.MULTILINE)
    if policy and policy[1] != "noeviction" and not re.search(r"^maxmemory:0\b", info, re.MULTILINE):
        yield (
            f"url: when this Redis is full, it forgets challenges and counts (maxmemory-policy {policy[1]}): set maxmemory-policy "
            "noeviction in its configuration"
        )
