"""Erases one person from Redis, even while servers are running, and from its files."""

import threading
from collections.abc import Iterator
from typing import cast

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.person import Erased, StoredPerson
from smsotp_plugin.stores.queue import NO_CHALLENGE
from smsotp_plugin.stores.redis.foreign import reads_replies
from smsotp_plugin.stores.redis.line import ReplyError
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check

#: How many challenges are looked at in one go, or removed by one script.
_PIECE = 100
#: How long Redis may take to rewrite its files, and how often it is asked meanwhile; in seconds.
_PATIENCE, _PAUSE = 60.0, 0.05
_UNDER_WAY = ("aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1", "rdb_bgsave_in_progress:1")


@reads_replies
def erase_from_redis(scripts: Scripts, person: StoredPerson, clock: Clock) -> Erased:
    """
    Remove everything that is kept of a person, and have Redis rewrite the files that hold what was removed.

    Args:
        scripts: The way to Redis.
        person: Who.
        clock: Time.

    Raises:
        StoreError: Redis does not answer, or everything is erased but a file may still hold it.
    """
    states = [*_find_states(scripts, person), *_find_notifications(scripts, person)]
    references = list(_find_references(scripts, person))
    names = [*person.accounts, *person.number_hashes]
    found = [0, 0, 0, 0, 0]
    for start in range(0, max(len(states), 1), _PIECE):
        piece = states[start : start + _PIECE]
        rest = [len(references), *references, len(names), *names, *person.budgets] if start == 0 else [0, 0]
        reply = scripts.run("erase", ["watched"], len(piece), *piece, *rest)
        found = [before + more for before, more in zip(found, cast("list[int]", reply), strict=True)]
    erased = Erased(*found)
    if erased:
        _write_files_anew(scripts, clock)
    return erased


def _find_states(scripts: Scripts, person: StoredPerson) -> Iterator[str]:
    """Yield the States of all challenges that are a person's."""
    states = [name.removeprefix("challenge:") for name in scripts.scan("challenge:")]
    for start in range(0, len(states), _PIECE):
        piece = states[start : start + _PIECE]
        keys = [scripts.key(f"challenge:{state}") for state in piece]
        rows = scripts.run_all([Command(("HMGET", key, "user", "number_hash")) for key in keys])
        for state, row in zip(piece, rows, strict=True):
            user, number_hash = cast("tuple[bytes | None, bytes | None]", check(row))
            is_theirs = bool(person.user) and user == person.user.encode()
            if is_theirs or (number_hash or b"").decode() in person.number_hashes:
                yield state


def _find_notifications(scripts: Scripts, person: StoredPerson) -> Iterator[str]:
    """Yield the stand-ins for States of a person's messages without a challenge that wait for workers, or are with one."""
    states = [name.split(":")[1] for name in scripts.scan(f"message:{NO_CHALLENGE}")]
    for start in range(0, len(states), _PIECE):
        piece = states[start : start + _PIECE]
        keys = [scripts.key(f"message:{state}:0") for state in piece]
        rows = scripts.run_all([Command(("HGET", key, "holders")) for key in keys])
        for state, row in zip(piece, rows, strict=True):
            holders = cast("bytes | None", check(row)) or b""
            if not set(person.holders).isdisjoint(holders.decode().split()):
                yield state


def _find_references(scripts: Scripts, person: StoredPerson) -> Iterator[str]:
    """Yield the names of all messages that are a person's."""
    keys = [f"of-user:{user}" for user in person.shown]
    keys += [f"of-number:{number_hash}" for number_hash in person.number_hashes]
    found: dict[str, bool] = {}
    for key in keys:
        members = cast("list[bytes]", scripts.ask("ZRANGE", 0, -1, key=key))
        found |= dict.fromkeys((member.decode() for member in members), True)
    yield from found


def _write_files_anew(scripts: Scripts, clock: Clock) -> None:
    """
    Have Redis rewrite the files that it keeps, if it keeps any.

    Raises:
        StoreError: They are not rewritten, or that cannot be known.
    """
    info, save = (_ask(scripts, *words) for words in (("INFO", "persistence"), ("CONFIG", "GET", "save")))
    has_log = isinstance(info, bytes) and b"aof_enabled:1" in info
    has_snapshots = isinstance(save, list) and len(save) > 1 and bool(save[1])
    if isinstance(info, ReplyError) or isinstance(save, ReplyError):
        raise _still_there("this user of Redis may not ask which files it keeps (INFO, CONFIG|GET)")
    for command in (["BGREWRITEAOF"] if has_log else []) + (["BGSAVE"] if has_snapshots else []):
        _wait(scripts, clock)
        if isinstance(_ask(scripts, command), ReplyError):
            raise _still_there(f"{command} is refused")
    _wait(scripts, clock)
    info = _ask(scripts, "INFO", "persistence")
    if isinstance(info, bytes) and (b"_bgrewrite_status:err" in info or b"_bgsave_status:err" in info):
        raise _still_there("it could not write them anew; its log says why")


def _wait(scripts: Scripts, clock: Clock) -> None:
    """Wait until Redis is writing no file."""
    deadline, waiting = Deadline.after(_PATIENCE, clock), threading.Condition()
    while True:
        info = _ask(scripts, "INFO", "persistence")
        if not isinstance(info, bytes) or not any(word.encode() in info for word in _UNDER_WAY):
            return
        if deadline.passed():
            raise _still_there(f"it takes more than {_PATIENCE:.0f} s to write them anew")
        with waiting:
            clock.wait(waiting, _PAUSE)


def _ask(scripts: Scripts, *words: str) -> object:
    (reply,) = scripts.run_all([Command(words)])
    return reply


def _still_there(why: str) -> StoreError:
    return StoreError(
        f"everything is erased, but the files of Redis may still hold it: {why}; call BGREWRITEAOF or BGSAVE as its administrator"
    )
