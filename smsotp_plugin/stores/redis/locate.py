"""Finding the Redis that can be written to: it is at a place, or Sentinels or the nodes of a Cluster know where."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.address import RedisAddress, RedisPlace, Way
from smsotp_plugin.stores.redis.line import Access, Line, Reply, ReplyError, Word, explain
from smsotp_plugin.wire.channel import Broken


class Locator(ABC):
    """Knows where to ask."""

    @abstractmethod
    def find(self, deadline: Deadline) -> RedisPlace:
        """
        Return where the Redis is that can be written to.

        Raises:
            Broken: Nobody knows.
        """

    @abstractmethod
    def doubt(self, place: RedisPlace) -> None:
        """Take notice that the Redis at a place that `find` returned is no use."""


class Fixed(Locator):
    """It is where it is."""

    def __init__(self, place: RedisPlace) -> None:
        self._place = place

    def find(self, deadline: Deadline) -> RedisPlace:
        del deadline
        return self._place

    def doubt(self, place: RedisPlace) -> None:
        """Go on: there is no other."""


class Asking(Locator):
    """
    Servers are asked, one after the other, each with its share of the time; the next time the one is first that knew it.

    Whoever did not answer is asked last from then on, and so is who named a Redis that is no use: a server that is cut off from
    the others goes on naming the Redis that they have replaced.

    Args:
        places: Where they are.
        access: As whom they are asked.
    """

    #: What is asked.
    question: tuple[Word, ...]

    def __init__(self, places: Sequence[RedisPlace], access: Access) -> None:
        #: Replaced and never changed: threads look for the Redis at the same time.
        self._places = tuple(dict.fromkeys(places))
        self._access = access
        #: Who named which Redis.
        self._named: dict[RedisPlace, RedisPlace] = {}

    @abstractmethod
    def read(self, reply: Reply, asked: RedisPlace) -> RedisPlace | None:
        """Return what an answer says, or None where it says nothing."""

    def find(self, deadline: Deadline) -> RedisPlace:
        reasons = []
        places = self._places
        for number, place in enumerate(places):
            share = Deadline.after(deadline.remaining() / (len(places) - number), deadline.clock)
            line = Line(place)
            try:
                (reply,) = line.open(self._access, [self.question], share)
                found = self.read(_accept(reply, place), place)
            except (Broken, StoreError) as exc:
                reasons.append(str(exc))
                self._ask_last(place)
                continue
            finally:
                line.close()
            if found is not None:
                self._named = {found: place}
                return found
            reasons.append(f"{place} does not know it")
        raise Broken(f"it is not known where Redis is: {'; '.join(dict.fromkeys(reasons))}")

    def doubt(self, place: RedisPlace) -> None:
        asked = self._named.get(place)
        if asked is not None:
            self._ask_last(asked)

    def _ask_last(self, place: RedisPlace) -> None:
        self._places = (*(each for each in self._places if each != place), place)


def _accept(reply: Reply, place: RedisPlace) -> Reply:
    if isinstance(reply, ReplyError):
        raise Broken(f"{place} says: {explain(reply)}")
    return reply


class BySentinel(Asking):
    """
    Sentinels know it.

    Args:
        places: Of the Sentinels.
        service: What they call it.
        access: As whom they are asked.
    """

    def __init__(self, places: Sequence[RedisPlace], service: str, access: Access) -> None:
        super().__init__(places, access)
        self.question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)

    def read(self, reply: Reply, asked: RedisPlace) -> RedisPlace | None:
        del asked
        if reply is None:
            return None
        host, port = cast("list[bytes]", reply)
        return RedisPlace(host.decode(), int(port))


class ByCluster(Asking):
    """
    The nodes of a Cluster know who has a slot.

    Args:
        places: Of some of them.
        slot: That of all our keys.
        access: As whom they are asked.
    """

    question = ("CLUSTER", "SLOTS")

    def __init__(self, places: Sequence[RedisPlace], slot: int, access: Access) -> None:
        super().__init__(places, access)
        self._slot = slot

    def read(self, reply: Reply, asked: RedisPlace) -> RedisPlace | None:
        for first, last, (host, port, *_), *_ in cast("list[tuple[int, int, list[bytes]]]", reply):
            if first <= self._slot <= last:
                # An empty name stands for the node that is asked.
                return RedisPlace(host.decode() if host else asked.host, int(port))
        return None


def make_locator(address: RedisAddress, slot: int, data: Access, sentinels: Access) -> Locator:
    """
    Make what knows where to ask.

    Args:
        address: What the configuration says.
        slot: That of all our keys.
        data: As whom Redis is asked.
        sentinels: As whom Sentinels are.
    """
    match address.way:
        case Way.SENTINEL:
            return BySentinel(address.places, address.service, sentinels)
        case Way.CLUSTER:
            return ByCluster(address.places, slot, data)
        case _:
            return Fixed(address.places[0])
