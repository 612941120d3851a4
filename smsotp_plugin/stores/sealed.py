"""
Guards a store whose file somebody else may write to: what was not written by us lets nobody in.

The mark of a challenge is an HMAC of everything that never changes in it, under a key that the store does not hold. Somebody
who can change the store but does not have the key can remove challenges, and put back what was there before; they cannot give a
challenge to another user, give it another number or make it last longer.
"""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.errors import Expired, StoreError, TooManyAttempts, WrongCode
from smsotp_plugin.stores.base import Challenge, ChallengeStore, ResendRules
from smsotp_plugin.stores.guesses import Guesser, GuessRules, Standing
from smsotp_plugin.stores.kept import Attempt, KeptListener, LeftMessage, Parcel


class SealedStore(ChallengeStore):
    """
    Marks what goes into a store, and accepts nothing from it that does not bear its mark.

    Args:
        store: Keeps the challenges.
        names: Makes the marks.

    Raises:
        StoreError: From every method that returns a challenge or raises an error that holds one, if somebody else has changed the
            challenge, if it is not the one that was asked for, or if a wrong answer was taken for right. An answer to such a
            challenge has used up a try, or the challenge.
    """

    def __init__(self, store: ChallengeStore, names: Fingerprints) -> None:
        self._store = store
        self._names = names

    def start(self) -> None:
        self._store.start()

    def listen(self, listener: KeptListener) -> None:
        self._store.listen(listener)

    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        marked = replace(new, mark=self._names.mark(*new.sealed()))
        kept = self._store.open_challenge(marked, parcel)
        return kept if kept is marked else self._of_login(new.login, kept)

    def find_same(self, login: str, now: float) -> Challenge | None:
        same = self._store.find_same(login, now)
        return None if same is None else self._of_login(login, same)

    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        try:
            answered = self._store.answer(state, user, seal, now, guesser)
        except (WrongCode, TooManyAttempts, Expired) as exc:
            if not isinstance(exc.challenge, Challenge):
                raise StoreError(
                    f"the store refuses an answer to challenge {reference_of(state)} without the challenge; is it damaged?"
                ) from exc
            self._of_state(state, user, exc.challenge)
            raise
        challenge = self._of_state(state, user, answered)
        lives = 2 * challenge.created - challenge.expires < now < challenge.expires
        if not (lives and hmac.compare_digest(challenge.seal.encode(), seal.encode())):
            raise StoreError(
                f"the store accepts an answer to challenge {reference_of(state)} that is wrong, or that came too "
                "late; is it damaged?"
            )
        return challenge

    def may_wait(self, rules: GuessRules) -> bool:
        return self._store.may_wait(rules)

    def known_place(self, guesser: Guesser, number_hash: str) -> str:
        return self._store.known_place(guesser, number_hash)

    def standing(self, guesser: Guesser, number_hash: str) -> Standing:
        return self._store.standing(guesser, number_hash)

    def find(self, state: str, user: str) -> Challenge:
        return self._of_state(state, user, self._store.find(state, user))

    def resend(self, state: str, user: str, now: float, rules: ResendRules, parcel: Parcel) -> Challenge:
        return self._of_state(state, user, self._store.resend(state, user, now, rules, parcel))

    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        self._store.mark_undelivered(state, resends, why)

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        return self._store.begin_attempts(attempts)

    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        self._store.end_attempt(state, resends, gateway)

    def forget_message(self, state: str, resends: int) -> None:
        self._store.forget_message(state, resends)

    def take_over(self, now: float) -> Sequence[LeftMessage]:
        return self._store.take_over(now)

    def flush(self) -> None:
        self._store.flush()

    def close(self) -> None:
        self._store.close()

    def _of_state(self, state: str, user: str, challenge: Challenge) -> Challenge:
        if (challenge.state, challenge.user) != (state, user):
            raise _another(challenge)
        return self._genuine(challenge)

    def _of_login(self, login: str, challenge: Challenge) -> Challenge:
        if challenge.login != login:
            raise _another(challenge)
        return self._genuine(challenge)

    def _genuine(self, challenge: Challenge) -> Challenge:
        if not self._names.is_mark(challenge.mark, *challenge.sealed()):
            raise StoreError(
                f"challenge {reference_of(challenge.state)} in the store does not bear our mark: somebody else has changed "
                "it, or [store] key has another value since; see who can write to the store"
            )
        return challenge


def _another(challenge: Challenge) -> StoreError:
    return StoreError(
        f"the store returns challenge {reference_of(challenge.state)} in place of another one; is it damaged?"
    )
