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
    What has been settled for one message.

    Attributes:
        plan: Its gateways.
        spending: Its cost.
        at_known_place: Whether a known place pays for it from a budget of its own.
    """

    plan: Plan
    spending: Spending
    at_known_place: bool = False


class Promiser:
    """
    Decides whether a code can be promised, and who pays for it.

    Args:
        composer: Knows gateways and cost.
        guard: Knows the places from which right codes came.
    """

    def __init__(self, composer: Composer, guard: Guard) -> None:
        self._composer = composer
        self._guard = guard

    def promise(self, request: LoginRequest, number: PhoneNumber, state: str, number_hash: str) -> Promise:
        """
        Settle which gateways one message with a code goes through, and what it costs.

        Anybody who has a person's password can use up that person's budget, and can have codes that nobody answers sent to similar
        numbers until a brake stops them all. So a place from which right codes have come has a budget of its own, which pays when
        the other one is used up, and to which no brake applies.

        Args:
            request: Whose log-in.
            number: Where the code goes.
            state: Of the challenge.
            number_hash: Fingerprint of the number.

        Raises:
            OverBudget: The budgets do not allow it, as far as this process knows.
            QueueFull: There is no room.
            NoRoute: No gateway is meant for this user.
            NoGatewayAlive: All gateways of the route are known to be dead.
            StoreError: The store cannot say whether the place is known.
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
        Settle again what the store has refused: it may know of spending by other processes, which this one did not.

        Args:
            promise: What was settled before.
            why: Why the store refused it.
            request: See `promise`, as for all that follow.
            number: See there.
            state: See there.
            number_hash: See there.

        Raises:
            OverBudget: `why`, if there is no other budget; otherwise as `promise` does, like the other errors.
        """
        if promise.at_known_place:
            raise why
        return self._promise_at_known_place(why, request, number, state, number_hash)

    def _promise_at_known_place(
        self, why: OverBudget, request: LoginRequest, number: PhoneNumber, state: str, number_hash: str
    ) -> Promise:
        place = self._guard.known_place(request, number_hash) if why.spares_known_places else ""
        # Where a client sends no station, all who come through it share its place, also those who have stolen a password.
        if not place or (isinstance(why, Braked) and not is_station_place(place)):
            raise why
        spending = self._composer.calculate(request, number, place)
        plan = self._composer.plan(request, number, state, spending, at_known_place=True)
        return Promise(plan, spending, at_known_place=True)
