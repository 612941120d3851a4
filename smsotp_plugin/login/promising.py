"""What is settled before somebody is promised a code: gateways, and whose budget pays for the SMS."""

from dataclasses import dataclass

from smsotp_plugin.dispatch.routes import Plan
from smsotp_plugin.errors import Braked, OverBudget
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.guard import Guard
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.budgets import Spending
from smsotp_plugin.stores.guesses import is_station_place


@dataclass(frozen=True, slots=True)
class Promise:
    """
    What a message goes through and costs.

    Attributes:
        plan: Its gateways.
        spending: Its cost.
        at_known_place: Whether the own budget of a known place pays.
    """

    plan: Plan
    spending: Spending
    at_known_place: bool = False


class Promiser:
    """
    Settles what a code can be promised by.

    Args:
        composer: Knows gateways and cost.
        guard: Knows the places from which right codes came.
    """

    def __init__(self, composer: Composer, guard: Guard) -> None:
        self._composer = composer
        self._guard = guard

    def promise(self, request: LoginRequest, number: PhoneNumber, state: str, number_hash: str) -> Promise:
        """
        Settle what one message with a code goes through, and what it costs.

        Whoever has somebody's password can use up that person's budget, and have codes that nobody answers sent to all who have
        similar numbers. So a place from which right codes came has a budget of its own, which is asked when the other is used
        up, and is not braked.

        Args:
            request: Whose log-in.
            number: Where the code goes.
            state: Of the challenge.
            number_hash: Fingerprint of the number.

        Raises:
            OverBudget: The budgets do not allow it, as far as can be seen.
            QueueFull: There is no room.
            NoRoute: No gateway is meant for this user.
            NoGatewayAlive: All of them are known to be dead.
            StoreError: It cannot be known whether the place is known.
        """
        spending = self._composer.calculate(request, number)
        try:
            return Promise(self._composer.plan(request, number, state, spending), spending)
        except OverBudget as exc:
            return self._promise_at_known_place(exc, request, number, state, number_hash)

    def promise_again(  # noqa: PLR0913, PLR0917  (what `promise` takes, and what became of it)
        self,
        promise: Promise,
        why: OverBudget,
        request: LoginRequest,
        number: PhoneNumber,
        state: str,
        number_hash: str,
    ) -> Promise:
        """
        Settle anew what the store has refused: only there may it have been known what others had spent.

        Args:
            promise: What was settled.
            why: Why the store has not kept it.
            request: See `promise`, as for all that follow.
            number: See there.
            state: See there.
            number_hash: See there.

        Raises:
            OverBudget: `why`, where there is no other budget; and as above.
        """
        if promise.at_known_place:
            raise why
        return self._promise_at_known_place(why, request, number, state, number_hash)

    def _promise_at_known_place(
        self, why: OverBudget, request: LoginRequest, number: PhoneNumber, state: str, number_hash: str
    ) -> Promise:
        place = self._guard.known_place(request, number_hash) if why.spares_known_places else ""
        # At a client that sends no station, everybody is at a known place, whoever has their passwords.
        if not place or (isinstance(why, Braked) and not is_station_place(place)):
            raise why
        spending = self._composer.calculate(request, number, place)
        plan = self._composer.plan(request, number, state, spending, at_known_place=True)
        return Promise(plan, spending, at_known_place=True)
