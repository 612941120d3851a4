"""
What a store promises.

Each method is one atomic change, safe under threads and processes: the second caller sees what the first one did.
A store compares seals, never codes, and never holds a code or a telephone number in clear.

Moments are wall time, which somebody may set forward or back at any time. So every span is checked at both ends: something
younger than N seconds was made within the last N seconds, and not in the future; and a code with a life of N seconds is
valid for less than N seconds after the moment at which it was made, and equally long before that moment if the clock was
set back.

Spans count from the moment of a request. But requests do not get their turn in the order in which they came, and what a later
request did before this one's turn is not in the future. So the store's own clock decides what is in the future; it is read
when the request gets its turn.
"""

from abc import abstractmethod
from dataclasses import dataclass, field

from smsotp_plugin.stores.guesses import Guesser, GuessStore
from smsotp_plugin.stores.kept import KeptListener, MessageStore, Parcel

#: Seconds that a challenge is kept after its end, so that a late answer can be recognised as late.
KEPT_AFTER_EXPIRY = 600.0
#: Seconds. A challenge that ends later than this from now was made by a wrong clock.
FURTHEST_END = 86400.0


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    One pending log-in.

    Attributes:
        state: 32 hexadecimal digits; the State attribute on the wire.
        user: User-Name as the client sent it.
        login: Fingerprint of what makes two first legs the same log-in, 32 hexadecimal digits.
        seed: What the code is derived from, 32 hexadecimal digits.
        seal: The seal of the right answer, 32 hexadecimal digits.
        number: The masked telephone number.
        number_hash: Fingerprint of the number, 32 hexadecimal digits.
        created: Unix seconds.
        expires: Unix seconds; from this moment on no answer is accepted.
        tries_left: How many more answers are looked at; at least 1 while the challenge is open.
        resends: How often its code was sent again.
        undelivered: Why its code was not sent, in the words of the dispatcher; empty as long as it may have been.
        mark: Proves that nobody else has changed those parts of it that never change; the store only keeps it.
    """

    state: str
    user: str
    login: str
    seed: str = field(repr=False)
    seal: str = field(repr=False)
    number: str
    number_hash: str
    created: float
    expires: float
    tries_left: int
    resends: int = 0
    undelivered: str = ""
    mark: str = field(default="", repr=False)

    def sealed(self) -> tuple[str, ...]:
        """Return the parts of it that never change and decide whom it lets in, and until when."""
        return (
            self.state,
            self.user,
            self.login,
            self.seed,
            self.seal,
            self.number,
            self.number_hash,
            # A store may give back a whole number of seconds without a fraction.
            repr(float(self.created)),
            repr(float(self.expires)),
        )


@dataclass(frozen=True, slots=True)
class ResendRules:
    """
    The limits on further messages for one challenge.

    Attributes:
        limit: How many, at most.
        pace: Seconds between two.
    """

    limit: int
    pace: float


class ChallengeStore(MessageStore, GuessStore):
    """
    Keeps challenges, the messages with their codes, and the counts of wrong answers.

    A store is made with its window: the seconds in which the same log-in gets the same challenge. It forgets by itself what
    nobody will ask for any more: challenges that expired `KEPT_AFTER_EXPIRY` ago. What was made before the clock was set back
    stays until the clock has caught up with it, unless it ends later than `FURTHEST_END` from now.

    Raises:
        StoreError: From every method, when the store does not answer or answers with an error.
    """

    @abstractmethod
    def start(self) -> None:
        """Begin to keep the store in order, in the background."""

    @abstractmethod
    def listen(self, listener: KeptListener) -> None:
        """From now on, tell this listener which codes may be sent: those whose challenge and message survive."""

    @abstractmethod
    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        """
        Keep a challenge and its message, unless the same log-in has an open one that is younger than the window.

        This holds across all processes that use the same store. Where it takes long until `new` survives the death of this
        process, the method returns before that.

        Args:
            new: The challenge; its `created` is the moment of the request.
            parcel: With the message that carries its code. It is kept, paid for and told to the listener if and only if `new` is
                kept.

        Returns:
            `new`, or the one that was there.

        Raises:
            OverBudget: There is no such challenge, and the budgets do not allow a new one; nothing has changed.
        """

    @abstractmethod
    def find_same(self, login: str, now: float) -> Challenge | None:
        """
        Return what `open_challenge` would return instead of a new challenge.

        Args:
            login: See `Challenge`.
            now: The moment of the request, in Unix seconds.
        """

    @abstractmethod
    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        """
        Use up one try of a challenge, and the challenge itself if the answer is right; count the answer for the account.

        Expired, WrongCode and TooManyAttempts hold the challenge as it is afterwards, so that the caller need not ask for it.

        Args:
            state: As the client sent it.
            user: User-Name as the client sent it.
            seal: Of the answer, made for this State.
            now: Unix seconds.
            guesser: The account for which wrong answers in a row are counted, across challenges; None if they are not
                counted.

        Returns:
            The challenge, answered rightly; at most one caller ever gets this for one challenge. That the challenge is
            used up survives the death of this process.

        Raises:
            UnknownChallenge: No such State, or it is another user's.
            AlreadyUsed: It was answered rightly before.
            Expired: It was too old.
            WrongCode: A try was used up; some are left.
            TooManyAttempts: No try is left.
            TooManyGuesses: The account is locked: the answer was not looked at, and no try is used up.
        """

    @abstractmethod
    def find(self, state: str, user: str) -> Challenge:
        """
        Return a challenge as it is, whatever has become of it.

        Raises:
            UnknownChallenge: No such State, or it is another user's.
        """

    @abstractmethod
    def resend(self, state: str, user: str, now: float, rules: ResendRules, parcel: Parcel) -> Challenge:
        """
        Use up one of the further messages that a challenge allows, and keep that message.

        Args:
            state: As the client sent it.
            user: User-Name as the client sent it.
            now: The moment of the request, in Unix seconds.
            rules: What is allowed.
            parcel: With that message, whose `resends` becomes that of the challenge. The listener is not told of it.

        Returns:
            The challenge; what has changed in it survives the death of this process, and so does the message.

        Raises:
            UnknownChallenge: No such State, or it is another user's.
            Expired: It is too old, used up or answered.
            ResendRefused: Too many, or too early.
            OverBudget: The budgets do not allow it; nothing has changed.
        """

    @abstractmethod
    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        """
        Note that the code of a challenge was not sent: from now on, the same log-in gets a new challenge.

        Args:
            state: As the client sent it.
            resends: Of the message that failed; nothing is noted if another one has been asked for since.
            why: In the words of the dispatcher.
        """

    @abstractmethod
    def flush(self) -> None:
        """
        Return once everything that this store was told survives the death of this process, and the listener knows of it.

        If the listener itself calls this, it does not wait for the listener.

        Raises:
            StoreError: Something does not survive; the listener is never told of it.
        """

    @abstractmethod
    def close(self) -> None:
        """End what `start` has begun, and close files and connections; the store is not used again."""
