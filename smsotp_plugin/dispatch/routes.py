"""Which gateways a message goes through, and in which order. Pure."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from smsotp_plugin.dispatch.slots import Slot
from smsotp_plugin.errors import NoRoute
from smsotp_plugin.sms.language import find_language

_NO_HOPES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """
    Ordered gateways for some messages.

    Attributes:
        name: As the log and ``smsotp route`` call it.
        gateways: Names, at least one. The first is tried first.
        weights: One for each gateway: how often it comes first. Empty: the first one always does.
        numbers: Prefixes in E.164 form; empty for all numbers.
        realms: Of User-Names, in lower case; empty for all.
        languages: In lower case; empty for all. One such as ``de`` stands for ``de-at``, too.
    """

    name: str
    gateways: tuple[str, ...]
    weights: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()
    realms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    What routes are chosen by.

    Attributes:
        number: E.164, with its ``+``.
        realm: In lower case, empty if the User-Name has none.
        language: In lower case, empty if none is known.
        gateway: The gateway that the configuration of this user names, or empty.
        share: For weights, which decide which gateway comes first: 0 to below 1, evenly spread over all log-ins and the same for
            all messages of one log-in, so that a further message finds the gateways in the same order.
        user: User-Name; routes do not look at it, nor at what follows.
        station: Calling-Station-Id, or empty.
        client: The client that asks.
    """

    number: str
    realm: str = ""
    language: str = ""
    gateway: str = ""
    share: float = 0.0
    user: str = ""
    station: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The choice for one message.

    Attributes:
        route: Name of the route.
        gateways: In the order in which they are tried.
        reason: Why this route, as the second half of a sentence for people.
        hopes: Gateways that may be tried with this message although they count as dead.
        slot: The place of the message among those on their way.
        holders: Whose share of the queue the message takes if it waits for workers; see `Parcel.holders`.
    """

    route: str
    gateways: tuple[str, ...]
    reason: str
    hopes: frozenset[str] = _NO_HOPES
    slot: Slot | None = field(default=None, compare=False, repr=False)
    holders: tuple[str, ...] = field(default=(), compare=False)

    def turn(self, places: int) -> "Plan":
        """Return the plan with this many gateways moved from the front to the back."""
        places %= len(self.gateways)
        return replace(self, gateways=self.gateways[places:] + self.gateways[:places])


def find_realm(user: str) -> str:
    """Return the realm of a User-Name in lower case: after ``@``, else before a backslash; empty if it has none."""
    name, at, realm = user.rpartition("@")
    if at and name:
        return realm.lower()
    realm, slash, _ = user.partition("\\")
    return realm.lower() if slash else ""


class RouteTable:
    """
    All routes.

    Args:
        routes: In the file's order. None: one route over all gateways.
        gateways: All names, in the file's order.
    """

    def __init__(self, routes: Sequence[Route], gateways: Sequence[str]) -> None:
        self._routes = list(routes) or [Route("default", tuple(gateways))]
        self._gateways = gateways

    def plan(self, recipient: Recipient, slot: Slot | None = None) -> Plan:
        """
        Choose a route and the order of its gateways.

        Args:
            recipient: Whom the message is for.
            slot: See `Plan`.

        Raises:
            NoRoute: None fits, or the named gateway does not exist.
        """
        if recipient.gateway:
            return self._plan_named(recipient.gateway, slot)
        route = self.choose(recipient)
        return Plan(
            route.name, _share_out(route, recipient.share), _explain(route, recipient), _NO_HOPES, slot
        )

    def choose(self, recipient: Recipient) -> Route:
        """
        Choose a route, whatever gateway is named for the user.

        The route with the longest prefix of the number wins, then the one with more conditions, then the one that names the language
        more exactly, then the earlier one.

        Raises:
            NoRoute: None fits.
        """
        fitting = [(*fit, route) for route in self._routes if (fit := _find_fit(route, recipient))]
        if not fitting:
            raise NoRoute(
                "no route fits this number, realm and language: add one without conditions to [[routes]]"
            )
        highest = max(rank for rank, _, _ in fitting)
        best = [(left_out, route) for rank, left_out, route in fitting if rank == highest]
        exact = min((left_out for left_out, route in best if route.languages), default=0)
        # One that names no language is no less exact: `de-at` must not lead elsewhere than the `de` that stands for it.
        return next(route for left_out, route in best if not route.languages or left_out == exact)

    def judge_all(self, recipient: Recipient) -> Sequence[tuple[Route, bool]]:
        """Return all routes in the file's order, and whether each fits."""
        return [(route, _find_fit(route, recipient) is not None) for route in self._routes]

    def _plan_named(self, gateway: str, slot: Slot | None) -> Plan:
        if gateway not in self._gateways:
            raise NoRoute(
                f"SMSOTP-Gateway names a gateway that does not exist; there are: {', '.join(self._gateways)}"
            )
        return Plan("named", (gateway,), "SMSOTP-Gateway names the gateway", _NO_HOPES, slot)


def _share_out(route: Route, share: float) -> tuple[str, ...]:
    if not route.weights:
        return route.gateways
    ends = list(accumulate(route.weights))
    first = route.gateways[bisect(ends, share * ends[-1])]
    return (first, *(gateway for gateway in route.gateways if gateway != first))


def _find_fit(route: Route, recipient: Recipient) -> tuple[tuple[int, int], int] | None:
    """
    Return how exactly a route fits a recipient, whatever part of the language it names, and how many parts it leaves out.

    Returns:
        None if it does not fit.
    """
    prefix = 0
    if route.numbers:
        prefix = max(
            (len(prefix) for prefix in route.numbers if recipient.number.startswith(prefix)), default=0
        )
        if not prefix:
            return None
    if route.realms and recipient.realm not in route.realms:
        return None
    left_out = 0
    if route.languages:
        found = find_language(recipient.language, route.languages)
        if found is None:
            return None
        left_out = found[1]
    return (prefix, bool(route.realms) + bool(route.languages)), left_out


def _explain(route: Route, recipient: Recipient) -> str:
    said = []
    if route.numbers:
        prefix = max((p for p in route.numbers if recipient.number.startswith(p)), key=len)
        said.append(f"the number begins with {prefix}")
    if route.realms:
        said.append(f"the realm is {recipient.realm}")
    if route.languages:
        said.append(f"the language is {recipient.language}")
    return " and ".join(said) or "it has no conditions"
