"""Finds the Redis that can be written to: it is at a given place, or Sentinels or the nodes of a Cluster know where."""

from collections.abc import Callable, Sequence

from redis.exceptions import MovedError

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import StoreError
from smsotp_plugin.stores.redis.address import RedisAddress, RedisPlace, Way
from smsotp_plugin.stores.redis.line import Access, Line, Reply, ReplyError, Word, explain
from smsotp_plugin.wire.channel import Broken


class Locator:
    """
    Always names the same place.

    Args:
        places: The first is where the Redis is.
    """

    def __init__(self, places: Sequence[RedisPlace]) -> None:
        #: Replaced and never changed: threads look for the Redis at the same time.
        self._places = tuple(dict.fromkeys(places))

    def find(self, deadline: Deadline) -> RedisPlace:
        """
        Return where the Redis is that can be written to.

        Raises:
            Broken: Nobody knows where it is.
        """
        del deadline
        return self._places[0]

    def doubt(self, place: RedisPlace) -> None:
        """Note that the Redis at a place that `find` returned cannot be used."""


class _Asking(Locator):
    """
    Asks servers one after the other, each with its share of the time; the one that knew is asked first the next time.

    A server that did not answer is asked last from then on, and so is one that named a Redis that cannot be used: a server that is
    cut off from the others goes on naming the Redis that they have replaced.

    Args:
        places: Where they are.
        access: As which user, and how, to talk to them.
        question: What is asked.
        read: Returns what an answer says; raises Broken if it says nothing.
    """

    def __init__(
        self,
        places: Sequence[RedisPlace],
        access: Access,
        question: tuple[Word, ...],
        read: Callable[[Reply, RedisPlace], RedisPlace],
    ) -> None:
        super().__init__(places)
        self._access = access
        self._question = question
        self._read = read
        #: Which server named which Redis.
        self._named: dict[RedisPlace, RedisPlace] = {}

    def find(self, deadline: Deadline) -> RedisPlace:
        places, reasons = self._places, []
        for number, place in enumerate(places):
            share = Deadline.after(deadline.remaining() / (len(places) - number), deadline.clock)
            line = Line(place, self._access)
            try:
                (reply,) = line.ask([self._question], share)
                found = self._read(reply, place)
            except (Broken, StoreError) as exc:
                reasons.append(str(exc))
                self._ask_last(place)
                continue
            finally:
                line.close()
            self._named = {found: place}
            return found
        raise Broken(f"it is not known where Redis is: {'; '.join(dict.fromkeys(reasons))}")

    def doubt(self, place: RedisPlace) -> None:
        if (asked := self._named.get(place)) is not None:
            self._ask_last(asked)

    def _ask_last(self, place: RedisPlace) -> None:
        self._places = (*(each for each in self._places if each != place), place)


def _read_sentinel(reply: Reply, asked: RedisPlace) -> RedisPlace:
    match reply:
        case [bytes(host), bytes(port)] if port.isdigit():
            return RedisPlace(host.decode(errors="replace"), int(port))
        case ReplyError():
            raise Broken(f"{asked} says: {explain(reply)}")
    raise Broken(f"{asked} does not know it")


def _read_node(reply: Reply, asked: RedisPlace) -> RedisPlace:
    match reply:
        case MovedError(host=str(host), port=int(port)):
            # An empty name means the node that is asked.
            return RedisPlace(host or asked.host, port)
        case ReplyError():
            raise Broken(f"{asked} says: {explain(reply)}")
    return asked


def make_locator(address: RedisAddress, key: str, data: Access, sentinels: Access) -> Locator:
    """
    Make the locator for an address.

    Args:
        address: What the configuration says.
        key: Any of our keys: they are all in one slot.
        data: As which user, and how, to talk to Redis.
        sentinels: The same for Sentinels.
    """
    match address.way:
        case Way.SENTINEL:
            question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
            return _Asking(address.places, sentinels, question, _read_sentinel)
        case Way.CLUSTER:
            # A node that does not have the key says which one has it.
            return _Asking(address.places, data, ("GET", key), _read_node)
        case _:
            return Locator(address.places)
