"""What the other processes that use a Redis say about themselves, for a process that is started or is to be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.stores.process_traits import ProcessTraits
from smsotp_plugin.stores.redis.foreign import read_time, reads_replies
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check
from smsotp_plugin.stores.redis.shared_clock import HARMLESS, explain_difference

#: Begins a word for settings, which can then not be one for a key.
MARK = "="
#: Seconds for which a process is believed to live, at most; as in keys.lua.
_LONGEST_LIFE = 10.0


def write_process(owner: str, traits: ProcessTraits) -> str:
    """Return what a process says about itself; see `keys` of the scripts."""
    return " ".join((owner, *traits.key_names, *(MARK + word for word in traits.settings)))


@reads_replies
def find_differences(scripts: Scripts, traits: ProcessTraits, place: str) -> list[str]:
    """
    Compare settings with those of the processes that live.

    Args:
        scripts: The way to the Redis.
        traits: The traits of this process.
        place: Where the Redis is, for people.

    Returns:
        Sentences.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    turn, told = _ask(scripts)
    # An entry that ends later is from before the clock was set back: its process has died, or will renew it within a second.
    others = [_read(words) for words, until in told if turn < until <= turn + _LONGEST_LIFE]
    who = f"another server or worker that uses {place}"
    found = []
    if any(not _know_each_other(traits.key_names, names) for names, _ in others):
        found.append(
            f"store: {who} does not know the key in front here, or this one does not know the key in front there: codes and messages "
            "made with it are worth nothing to the other; let all learn a key before it is put in front anywhere (docs/redis.md, "
            "another key)"
        )
    different = dict.fromkeys(name for _, settings in others for name in _compare(traits.settings, settings))
    if different:
        sections = ", ".join(f"[{name}]" for name in different)
        found.append(
            f"{sections}: {who} has different settings there, and each goes by its own: give all the same (docs/cluster.md, what "
            "must be the same)"
        )
    return found


@reads_replies
def compare_clocks(scripts: Scripts, clock: Clock, place: str) -> list[str]:
    """
    Compare a clock with that of a Redis.

    Returns:
        Sentences.

    Raises:
        StoreError: Redis does not answer, or with an error.
    """
    # The first question makes the connection, which takes time.
    scripts.run_all([Command(("TIME",))])
    before = clock.time()
    turn, _ = _ask(scripts)
    ahead = turn - (before + clock.time()) / 2
    return [explain_difference(ahead, place)] if abs(ahead) > HARMLESS else []


def _ask(scripts: Scripts) -> tuple[float, list[tuple[str, float]]]:
    """Return the moment by the clock of the Redis, and what each process says about itself and until when it is believed."""
    time, found = scripts.run_all(
        [Command(("TIME",)), Command(("ZRANGE", scripts.key("keys"), 0, -1, "WITHSCORES"))]
    )
    words = cast("list[bytes]", check(found))
    others = [(word.decode(), float(until)) for word, until in zip(words[::2], words[1::2], strict=True)]
    return read_time(check(time)), others


def _read(words: str) -> tuple[list[str], dict[str, str]]:
    """Return another process's names of keys, and its fingerprints of settings: nothing if its version does not report them."""
    _, *names = words.split()
    settings = [name.removeprefix(MARK).split(":") for name in names if name.startswith(MARK)]
    return [name for name in names if not name.startswith(MARK)], dict(settings)


def _know_each_other(own: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether each has the other's front key, or they share none: that is refused elsewhere, in other words."""
    return not set(own) & set(theirs) or (own[0] in theirs and theirs[0] in own)


def _compare(own: Sequence[str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of settings in which another process differs."""
    for name, digits in (word.split(":") for word in own):
        if theirs.get(name, digits) != digits:
            yield name
