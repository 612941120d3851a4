"""
Every error that this package raises on purpose, as one tree. Imports no other module of this package.

::

    SmsOtpError
    ├─ ConfigError                    start-up only: lists every problem, the server does not start
    ├─ PacketError                    the packet cannot be used: the log-in is refused
    ├─ ChallengeError                 the user's answer is not accepted; nothing is wrong with the system
    │   ├─ UnknownChallenge           no such State for this user
    │   ├─ AlreadyUsed                its code was accepted before
    │   ├─ Expired                    its code is too old
    │   ├─ WrongCode                  counted; some tries are left
    │   ├─ TooManyAttempts            no try is left
    │   └─ TooManyGuesses             the account is locked; the answer was not looked at
    ├─ ResendRefused                  the user asked for another SMS too often or too early
    ├─ StoreError                     the store cannot be used: the log-in is refused
    │   └─ OtherKey                   other processes that use it have a different key
    ├─ NoThread                       the system allows no further thread
    ├─ NotNeeded                      nobody can use the code of a message any more
    ├─ CannotUnseal                   a message that was kept cannot be read
    ├─ CannotSend                     no message is promised, because it could not be sent
    │   ├─ NumberError                no usable telephone number
    │   ├─ NoRoute                    no gateway is meant for this number
    │   ├─ NoGatewayAlive             every gateway of the route is known to be dead
    │   ├─ OverBudget                 as many SMS as [limits] allows have been sent
    │   │   └─ Braked                 SMS to these numbers, or from there, are hardly ever answered
    │   └─ QueueFull                  the dispatcher takes no more messages now
    └─ DeliveryError                  one attempt at one gateway did not end in a receipt
        ├─ NotSent                    certain: the gateway has no copy; try elsewhere, or here again
        │   ├─ ConnectFailed          no connection, or it was lost before the message was written
        │   ├─ Throttled              the gateway asks to slow down
        │   ├─ GatewayUnavailable     the gateway says that it cannot serve now
        │   ├─ AuthFailed             the gateway refuses our credentials
        │   └─ CreditExhausted        the account has no money left
        ├─ Refused                    certain and permanent: this number or text will never work here
        │   ├─ BadRecipient           the number
        │   └─ BadMessage             the text or a parameter
        └─ Unknown                    the message was written, no valid answer came: it may arrive
            ├─ AnswerTimeout          silence
            └─ ProtocolViolation      an answer that makes no sense

The texts of these errors go into logs: they never hold a code, a password or a full telephone number.
"""

from enum import StrEnum


class SmsOtpError(Exception):
    """Base of the tree; never raised itself."""


class ConfigError(SmsOtpError):
    """
    The configuration cannot be used.

    Args:
        problems: One complete sentence each, beginning with where it is (``file: key.path: what``).
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PacketError(SmsOtpError):
    """The packet cannot be used; the text says why, without secrets."""


class ChallengeError(SmsOtpError):
    """
    The answer to a challenge is not accepted.

    Attributes:
        challenge: The challenge as it is after the answer, if the store returns it; else None. It is a
            `stores.base.Challenge`; that module imports this one.
    """

    challenge: object = None


class UnknownChallenge(ChallengeError):
    """No challenge of this user has this State."""


class AlreadyUsed(ChallengeError):
    """The challenge was answered rightly before; a code is good once."""


class Expired(ChallengeError):
    """The challenge was too old when the answer came."""


class WrongCode(ChallengeError):
    """
    The code is wrong and the try is counted.

    Args:
        tries_left: At least 1.
        guesses: Wrong answers of the account in a row, including this one; 1 if they are not counted.
        wait: Seconds until the account gets a new challenge.
    """

    def __init__(self, tries_left: int, guesses: int = 1, wait: float = 0.0) -> None:
        super().__init__(f"wrong code, {tries_left} {'try' if tries_left == 1 else 'tries'} left")
        self.tries_left = tries_left
        self.guesses = guesses
        self.wait = wait


class TooManyAttempts(ChallengeError):
    """
    The last try was used up, now or before.

    Args:
        text: Which of the two.
        guesses: As in `WrongCode` if it was used up now; 0 if it was used up before and the answer was not looked at.
        wait: As above.
    """

    def __init__(self, text: str, guesses: int = 0, wait: float = 0.0) -> None:
        super().__init__(text)
        self.guesses = guesses
        self.wait = wait


class TooManyGuesses(ChallengeError):
    """
    The account is locked: its answers are not looked at.

    Args:
        wait: Seconds until they are looked at again; infinite if only an administrator can end the lock.
    """

    def __init__(self, wait: float) -> None:
        super().__init__("too many wrong codes in a row: no answer is looked at")
        self.wait = wait


class StoreError(SmsOtpError):
    """The store does not answer or answers with an error."""


class OtherKey(StoreError):
    """Other processes use the store with a different key: nothing that they keep in it can be read here."""


class NoThread(SmsOtpError):
    """The system allows no further thread; the text says what may be the reason."""


class NotNeeded(SmsOtpError):
    """Nobody can use the code of a message any more: its log-in is over, or a later message has taken its place."""


class CannotUnseal(SmsOtpError):
    """A message that was kept cannot be read: it was sealed with another key, or changed."""


class ResendRefused(SmsOtpError):
    """
    No further SMS for this challenge now.

    Args:
        wait: Seconds until one may be asked for, or None if no more are left.
    """

    def __init__(self, wait: float | None) -> None:
        super().__init__("no further SMS is left" if wait is None else f"the next SMS only in {wait:.0f} s")
        self.wait = wait


class CannotSend(SmsOtpError):
    """A message cannot be sent, and this is known before anybody is promised one."""


class NumberError(CannotSend):
    """There is no telephone number that an SMS can be sent to; the text says what is wrong, without the number."""


class NoRoute(CannotSend):
    """No route fits a message; the text says what to add to the configuration."""


class NoGatewayAlive(CannotSend):
    """Every gateway of a route is known to be dead: the log-in is refused at once."""


class OverBudget(CannotSend):
    """
    As many SMS as one of the budgets allows have been sent.

    Args:
        setting: Which budget, by its name in ``[limits]``.
        written: What it allows, as the configuration has it.
        key: Whose budget, by its key in the store; not fit to be shown.
        wait: Seconds until the next SMS is within this budget.
        window: Seconds over which the budget counts.
    """

    def __init__(self, setting: str, written: str, key: str, wait: float, window: float) -> None:
        super().__init__(
            f"over budget: {setting} = {written} (limits), the next SMS in {max(1.0, wait):.0f} s"
        )
        self.setting = setting
        self.written = written
        self.key = key
        self.wait = wait
        self.window = window

    @property
    def spares_known_places(self) -> bool:
        """Whether somebody who has stolen the password may have spent it; if so, it keeps nobody out at a known place."""
        return self.setting in {"per_user", "per_number", "pumping"}


class Braked(OverBudget):
    """
    SMS to these numbers, or from this station, are hardly ever answered.

    Args:
        label: Which numbers or which station, in a form for people to read.
        reason: In words.
        wait: Seconds until the next SMS may be sent.
        window: Seconds for which one line of the log is enough.
    """

    def __init__(self, label: str, reason: str, wait: float, window: float) -> None:
        super().__init__("pumping", label, "", wait, window)
        self.args = (f"{label}: {reason} (limits.pumping), the next SMS in {max(1.0, wait):.0f} s",)


class QueueFull(CannotSend):
    """The dispatcher's queue is at its limit or has been stopped."""


class Outcome(StrEnum):
    """How an attempt or a message ended, in the words of the log and the delivery log."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"
    """Only of a message: its log-in was over, or a later message took its place, before any gateway had taken it."""


class DeliveryError(SmsOtpError):
    """
    One attempt at one gateway failed.

    Args:
        detail: What happened, in a form fit for the log.
    """

    #: What is certain about the SMS. Unless a subclass says otherwise, it may have been sent.
    outcome = Outcome.UNKNOWN
    #: The gateway's own words as they came, with whatever they repeat: not fit for a log. `Provider.submit` masks and cuts
    #: them and moves them into the text.
    said: str = ""


class NotSent(DeliveryError):
    """
    The gateway certainly has no copy of the message.

    Args:
        detail: What happened.
        retry_after: Seconds that the gateway asks us to wait, or None.
    """

    outcome = Outcome.NOT_SENT
    #: Whether the same gateway may take the message a little later.
    retry_here = True

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ConnectFailed(NotSent):
    """No connection, or it was lost before the first byte of the message was written."""


class Throttled(NotSent):
    """The gateway asks us to slow down."""


class GatewayUnavailable(NotSent):
    """The gateway says that it cannot serve at present."""


class AuthFailed(NotSent):
    """The gateway does not accept our credentials: every message will fail until someone mends them."""

    retry_here = False


class CreditExhausted(NotSent):
    """The account at the gateway is empty: every message will fail until someone pays."""

    retry_here = False


class Refused(DeliveryError):
    """This message will never be taken by this gateway; it was certainly not sent."""

    outcome = Outcome.REFUSED


class BadRecipient(Refused):
    """The gateway does not deliver to this number."""


class BadMessage(Refused):
    """The gateway does not take this text or one of the parameters."""


class Unknown(DeliveryError):
    """The message was written and no valid answer came: the SMS may arrive or not."""


class AnswerTimeout(Unknown):
    """The message was written, then the deadline passed in silence."""


class ProtocolViolation(Unknown):
    """The message was written and the answer makes no sense, or breaks off."""
