"""
The queue in Redis: a Stream that names messages, read by a consumer group.

An entry names a message. The message itself, sealed, is kept once, in its hash, where attempts are noted and where it is found
when a person is erased. A worker gets an entry by XREADGROUP, and in one script makes the message its own and ends the entry.
From then on it is a message like any other: see `Messages`. An entry whose reader died in between is claimed (XAUTOCLAIM) by
another worker; a worker asks for messages that have become its own without its hearing of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import cast

from smsotp_plugin.stores.kept import KeptMessage, LeftMessage
from smsotp_plugin.stores.queue import WORKER_LIFE, GatewayReport, MessageQueue, QueueView
from smsotp_plugin.stores.redis.foreign import read_row, reads_replies
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.line import Reply, ReplyError, Word
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.messages import Messages
from smsotp_plugin.stores.redis.scripts import Scripts, check

#: The name of the group of consumers.
GROUP = "workers"
#: Milliseconds that a reader waits for an entry; well within the limit of a call.
_WAIT = 200
#: Milliseconds after which an entry that was handed to a reader but not taken is claimed by another.
_LOST_AFTER = 2000
#: How many entries are claimed at once.
_PIECE = 100
_NO_GROUP = "NOGROUP"
_GROUP_EXISTS = "BUSYGROUP"

_Entry = tuple[bytes, list[bytes]]


class RedisQueue(MessageQueue):
    """
    Safe under threads.

    Args:
        scripts: Runs changes.
        lazy: Writes what nobody waits for.
        messages: The messages of this process.
        most: How many may wait.
    """

    def __init__(self, scripts: Scripts, lazy: Lazy, messages: Messages, most: int) -> None:
        self._scripts = scripts
        self._lazy = lazy
        self._messages = messages
        self._most = most
        self._key = scripts.key("queue")

    @reads_replies
    def take(self, most: int) -> Sequence[LeftMessage]:
        self._messages.settle_key()
        words = ("XREADGROUP", "GROUP", GROUP, self._messages.owner, "COUNT", most)
        reply = self._ask(*words, "BLOCK", _WAIT, "STREAMS", self._key, ">")
        if not reply:
            return []
        ((_, entries),) = cast("list[tuple[bytes, list[_Entry]]]", reply)
        return self._take(entries)

    @reads_replies
    def take_lost(self) -> Sequence[LeftMessage]:
        if own := self._messages.find_own():
            return own
        words = ("XAUTOCLAIM", self._key, GROUP, self._messages.owner, _LOST_AFTER, "0-0", "COUNT", _PIECE)
        reply = self._ask(*words)
        if not reply:
            return []
        _, entries, *_ = cast("tuple[bytes, list[_Entry | None], object]", reply)
        # Redis 6.2 has nothing in place of a deleted entry.
        return self._take(entry for entry in entries if entry is not None)

    def post(self, message: KeptMessage, holders: Sequence[str] = ()) -> None:
        addressee = write_addressee(self._most, holders)
        words = (message.state, addressee, message.site, message.expires, message.sealed)
        self._lazy.add(partial(self._scripts.command, "post", ["queue"], *words))

    def report(self, gateways: Mapping[str, GatewayReport]) -> None:
        self._messages.settle_key()
        self._say(json.dumps({name: asdict(report) for name, report in gateways.items()}))

    def leave(self) -> None:
        self._say("")

    def look(self) -> QueueView:
        return read_view(self._scripts)

    def _say(self, text: str) -> None:
        self._scripts.run("report", ["queue", "workers"], self._messages.owner, GROUP, text)

    def _take(self, entries: Iterable[_Entry]) -> Sequence[LeftMessage]:
        words = [word for number, (_, name) in entries for word in (number, name)]
        return self._messages.take_from_queue(GROUP, words) if words else []

    def _ask(self, *words: Word) -> Reply:
        """Ask something about the group; nothing if the group was not there, but is now."""
        (reply,) = self._scripts.run_all([Command(words)])
        if not (isinstance(reply, ReplyError) and str(reply).startswith(_NO_GROUP)):
            return check(reply)
        (made,) = self._scripts.run_all([Command(("XGROUP", "CREATE", self._key, GROUP, "0", "MKSTREAM"))])
        if not (isinstance(made, ReplyError) and str(made).startswith(_GROUP_EXISTS)):
            check(made)
        return None


def write_addressee(most: int, holders: Sequence[str]) -> str:
    """Return what scripts are told as the owner of a message that belongs to the queue."""
    return " ".join((f"queue {most}", *holders))


@reads_replies
def read_view(scripts: Scripts) -> QueueView:
    """See `MessageQueue.look`."""
    reply = scripts.run("queue_view", ["queue", "workers"], WORKER_LIFE)
    waiting, workers = cast("tuple[int, list[bytes]]", reply)
    return QueueView(int(waiting), tuple(map(_read_report, workers)))


def _read_report(text: bytes) -> dict[str, GatewayReport]:
    return {
        name: read_row(GatewayReport, json.dumps(report).encode())
        for name, report in json.loads(text).items()
    }
