"""
Answers that may or may not have been right, because Redis did not say so in time, or in words that nobody understands.

Their people were refused. But Redis may have used up the challenge for such an answer, and would then refuse its right code for
ever. So each answer has a ticket of its own, which stays with the challenge that it uses up, and a use that nobody was told of is
taken back as soon as Redis answers again. Nobody gets in twice: if somebody was let in, this process heard of their ticket, and
no ticket that was heard of is here.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.stores.redis.link import may_be_done
from smsotp_plugin.stores.redis.scripts import Scripts, check

log = logging.getLogger("smsotp.store")

#: How often each is taken back: commands that Redis had received before it hung are carried out as soon as it goes on, at about the
#: time of what is asked then.
_LOOKS = 3
#: How many answers are remembered; beyond that the earliest are forgotten. While Redis does not answer, it is sent one a second.
_MOST = 1000


class Unheard:
    """
    Safe under threads.

    Args:
        scripts: The way to Redis.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._lock = threading.Lock()
        #: How often each is still taken back, by State and ticket, in the order in which they came.
        self._looks: dict[tuple[str, str], int] = {}

    @contextmanager
    def of(self, state: str, ticket: str) -> Iterator[None]:
        """Ask within this context whether an answer is right, and have its use taken back if that cannot be read."""
        try:
            yield
        except BaseException as exc:
            if may_be_done(exc):
                with self._lock:
                    self._looks[state, ticket] = _LOOKS
                    if len(self._looks) > _MOST:
                        del self._looks[next(iter(self._looks))]
            raise

    def settle(self, state: str | None = None) -> None:
        """
        Take back the uses that nobody was told of.

        Args:
            state: That of the only challenge that matters; None: all of them.

        Raises:
            StoreError: Redis does not answer, or refuses; the uses are taken back the next time.
        """
        if not self._looks:
            return
        with self._lock:
            asked = [each for each in self._looks if state is None or each[0] == state]
        if not asked:
            return
        commands = [
            self._scripts.command("take_back", [f"challenge:{state}"], ticket) for state, ticket in asked
        ]
        replies = [check(reply) for reply in self._scripts.run_all(commands)]
        for (found, _), is_taken_back in zip(asked, replies, strict=True):
            if is_taken_back:
                log.warning(
                    "challenge %s can be answered again: its code was right when Redis did not answer, and refused",
                    reference_of(found),
                )
        with self._lock:
            for each in asked:
                looks = self._looks.pop(each, 0) - 1
                if looks > 0:
                    self._looks[each] = looks
