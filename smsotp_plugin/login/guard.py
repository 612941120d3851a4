"""Keeps anybody from guessing codes: an account with many wrong answers in a row has to wait, and is told how long."""

import logging
import math
from functools import lru_cache

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import Fingerprints
from smsotp_plugin.errors import TooManyAttempts, TooManyGuesses, WrongCode
from smsotp_plugin.fields.template import Template
from smsotp_plugin.grammar import agree
from smsotp_plugin.log import quote
from smsotp_plugin.login.decisions import Reject
from smsotp_plugin.login.journal import Journal
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.news import News
from smsotp_plugin.settings import Settings
from smsotp_plugin.sms.phone import PhoneNumber
from smsotp_plugin.stores.guesses import (
    CLEAN,
    Guesser,
    GuessRules,
    GuessStore,
    client_place,
    station_place,
)

log = logging.getLogger("smsotp.login")

#: Seconds up to which a time is said in seconds, and up to which in minutes.
_FEW_SECONDS, _FEW_MINUTES = 90, 5400
#: Stations and clients whose fingerprints are remembered.
_REMEMBERED = 16384
_DAY = 86400.0


class Guard:
    """
    Makes accounts wait after too many wrong answers.

    Args:
        settings: The whole configuration.
        names: Makes the fingerprints under which accounts and places are counted.
        store: Counts.
        journal: Told whom it refuses.
        clock: Time.
    """

    def __init__(
        self, settings: Settings, names: Fingerprints, store: GuessStore, journal: Journal, clock: Clock
    ) -> None:
        guesses = settings.guesses
        self._rules = GuessRules(
            free=guesses.free,
            most=guesses.most,
            first_wait=guesses.first_wait,
            longest_wait=guesses.longest_wait,
            lock=guesses.lock,
            known_for=guesses.known_days * _DAY,
        )
        self._wait_text = settings.challenge.wait_text
        self._locked_text = settings.challenge.locked_text
        self._names = names
        self._store = store
        self._journal = journal
        self._clock = clock
        self._places = lru_cache(_REMEMBERED)(self._make_places)
        self._news = News(clock)

    def refusal(self, request: LoginRequest, number: PhoneNumber) -> Reject | None:
        """
        Say why somebody whose first factor was right gets no challenge now; None if they get one.

        Args:
            request: Whose log-in.
            number: Where the code would go.

        Raises:
            StoreError: The store cannot say.
        """
        if not self._store.may_wait(self._rules):
            return None
        guesser = self.guesser(request)
        standing = CLEAN
        for number_hash in self._names.number_hashes(number):
            standing = standing.worse(self._store.standing(guesser, number_hash))
        wait = standing.challenge_from - self._clock.time()
        if wait <= 0:
            return None
        why = f"after {standing.in_a_row} wrong {agree(standing.in_a_row, 'code')} in a row, the next code comes {_when(wait)}"
        # Not by the end of the wait, whose last digits differ each time.
        if self._news.is_news(guesser.accounts[0], str(standing.in_a_row), seconds=min(wait, _DAY)):
            self._journal.note_wait(request, number, why)
        return Reject(self.text(wait).fill(), why)

    def find_lock(self, request: LoginRequest, number_hash: str) -> TooManyGuesses | None:
        """
        Return the lock because of which no answer to an open challenge is looked at; None if there is none.

        Args:
            request: Whose log-in.
            number_hash: Fingerprint of its number.

        Raises:
            StoreError: The store cannot say.
        """
        if not self._store.may_wait(self._rules):
            return None
        standing = self._store.standing(self.guesser(request), number_hash)
        wait = standing.answer_from - self._clock.time()
        return TooManyGuesses(wait) if wait > 0 else None

    def known_place(self, request: LoginRequest, number_hash: str) -> str:
        """
        Return the place of a request if right codes for its account have come from there recently; else an empty text.

        Args:
            request: Whose log-in.
            number_hash: Fingerprint of its number.

        Raises:
            StoreError: The store cannot say.
        """
        return self._store.known_place(self.guesser(request), number_hash)

    def guesser(self, request: LoginRequest) -> Guesser:
        """Return the account for which the answers of a request are counted, and the place that they come from."""
        station = request.station.strip().casefold()
        places = self._places(station, "" if station else request.client)
        return Guesser(self._names.accounts(request.user), places, self._rules)

    def _make_places(self, station: str, client: str) -> tuple[str, ...]:
        if station:
            return tuple(map(station_place, self._names.fingerprints("station", station)))
        return tuple(map(client_place, self._names.fingerprints("client", client)))

    def note_wrong(self, request: LoginRequest, why: WrongCode | TooManyAttempts) -> None:
        """Log the wait or lock that begins with a wrong answer: one line for each, and none for the log-ins it keeps out."""
        if why.wait <= 0 or not why.guesses:
            return
        locked = why.guesses >= self._rules.most
        log.warning(
            "user %s: %s wrong %s in a row, the last from client %s, station %s: %s",
            quote(self._names.mask_user(request.user)),
            why.guesses,
            agree(why.guesses, "code"),
            quote(request.client),
            quote(request.station),
            f"no code is sent, and no answer looked at, {_until(why.wait)}; smsotp unlock ends that"
            if locked
            else f"the next code comes {_when(why.wait)}",
        )

    def text(self, wait: float) -> Template:
        """
        Return what a person is told who has to wait.

        Args:
            wait: Seconds; infinite where only an administrator can help.
        """
        return self._locked_text if math.isinf(wait) else self._wait_text.bind(time=say_time(wait))

    def text_after(self, why: WrongCode | TooManyAttempts, otherwise: Template) -> Template:
        """Return what a person is told whose log-in ends with a wrong answer: that the account is locked, else `otherwise`."""
        return self.text(why.wait) if why.guesses >= self._rules.most else otherwise


def say_time(seconds: float) -> str:
    """Write a time, rounded up, in a form that is short and the same in many languages."""
    if seconds <= _FEW_SECONDS:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds <= _FEW_MINUTES:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 3600)} h"


def _when(wait: float) -> str:
    return "when an administrator calls smsotp unlock" if math.isinf(wait) else f"in {say_time(wait)}"


def _until(wait: float) -> str:
    return "any more" if math.isinf(wait) else f"for {say_time(wait)}"
