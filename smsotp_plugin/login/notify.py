"""Plain notifications through the same gateways: "somebody logged in as you". Never delays an answer."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import SecretStr

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.dispatch.outbox import Outbox
from smsotp_plugin.errors import CannotSend, OverBudget, StoreError
from smsotp_plugin.fields.template import Template
from smsotp_plugin.log import quote
from smsotp_plugin.login.budget_keys import NO_CODE
from smsotp_plugin.login.budgets import Budgets
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.settings.sections.notifications import LONGEST_VALUE, NotificationSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.typed import fold
from smsotp_plugin.stores.delivery_log import DeliveryEvent, DeliveryRecorder, EventKind

log = logging.getLogger("smsotp.notify")

#: Three dots: the GSM alphabet does not have the one character for them.
_CUT = "..."


class Notifier:
    """
    Sends notifications.

    Args:
        texts: The notifications by name.
        composer: Knows the number and the route of a user.
        budgets: Knows what a notification costs.
        names: Make a reference of each message, and know numbers by their hash.
        delivery_log: Told what was asked for.
        outbox: Takes the messages; none of them survives the process: nobody was promised one.
        clock: Time.
    """

    def __init__(  # noqa: PLR0913  (each is a part of its own, handed in by the assembly)
        self,
        *,
        texts: Mapping[str, NotificationSettings],
        composer: Composer,
        budgets: Budgets,
        names: Fingerprints,
        delivery_log: DeliveryRecorder,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._texts = texts
        self._composer = composer
        self._budgets = budgets
        self._names = names
        self._delivery_log = delivery_log
        self._outbox = outbox
        self._clock = clock

    def notify(self, name: str, request: LoginRequest) -> None:
        """Send a notification; what prevents it is logged, and keeps nobody from logging in."""
        settings = self._texts.get(name)
        if settings is None:
            known = ", ".join(self._texts) or "none"
            log.error("there is no notification %s in the configuration; there are: %s", quote(name), known)
            return
        user = self._names.mask_user(request.user)
        state = self._names.make_state(request.site)
        now = self._clock.time()
        text = _fill(settings.text, request, now)
        try:
            number = self._composer.find_number(request)
            spending = self._budgets.calculate(request, number, text, NO_CODE)
            plan = self._composer.plan(request, number, state, spending)
            self._budgets.spend(spending)
        except (CannotSend, StoreError) as exc:
            if not isinstance(exc, OverBudget) or self._budgets.is_news(exc):
                log.warning("user %s gets no notification %s: %s", quote(user), quote(name), exc)
            return
        reference = reference_of(state)
        self._delivery_log.record(
            DeliveryEvent(
                reference=reference,
                at=now,
                kind=EventKind.ASKED,
                detail=f"notification {name}, route {plan.route}: {', '.join(plan.gateways)}",
                user=user,
                number=number.masked,
                number_hash=self._names.number_hash(number),
            )
        )
        message = Message(
            reference=reference,
            user=user,
            number=number,
            otp=SecretStr(text),
            sentence=SecretStr(text),
            expires=now + settings.ttl,
            budgets=spending.keys,
            price=spending.money,
        )
        self._outbox.submit(message, plan)


def _fill(text: Template, request: LoginRequest, now: float) -> str:
    return text.fill(
        user=_shorten(request.user),
        client=_shorten(request.client_name),
        station=_shorten(request.station),
        time=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _shorten(value: str) -> str:
    """Return a value from a packet, fit for an SMS: printable characters only, and too few to make two SMS of one."""
    told = "".join(char for char in fold(value) if char.isprintable()).strip()
    return told if len(told) <= LONGEST_VALUE else told[: LONGEST_VALUE - len(_CUT)] + _CUT
