"""The messages that have not ended, and which of them concern the same log-in."""

from collections.abc import Iterator

from smsotp_plugin.dispatch.delivery import Delivery


class OnTheWay:
    """Finds deliveries by challenge and by log-in. Not thread-safe: the dispatcher guards it."""

    def __init__(self) -> None:
        self._all: set[Delivery] = set()
        #: Nearly always there is one for each, so a tuple costs least.
        self._by_state: dict[str, tuple[Delivery, ...]] = {}
        self._by_login: dict[str, tuple[Delivery, ...]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._all)

    def add(self, delivery: Delivery) -> None:
        """Add one."""
        self._all.add(delivery)
        for index, key in self._list_keys(delivery):
            index[key] = (*index.get(key, ()), delivery)

    def discard(self, delivery: Delivery) -> None:
        """Take one out, if it is there."""
        self._all.discard(delivery)
        for index, key in self._list_keys(delivery):
            left = tuple([each for each in index.pop(key, ()) if each is not delivery])
            if left:
                index[key] = left

    def find_of_challenge(self, state: str) -> list[Delivery]:
        """Return those that carry the code of a challenge."""
        return list(self._by_state.get(state, ()))

    def find_of_login(self, login: str) -> list[Delivery]:
        """Return those that carry a code for a log-in."""
        return list(self._by_login.get(login, ()))

    def _list_keys(self, delivery: Delivery) -> list[tuple[dict[str, tuple[Delivery, ...]], str]]:
        message = delivery.message
        keys = [(self._by_state, message.state), (self._by_login, message.login)]
        return [(index, key) for index, key in keys if key]
