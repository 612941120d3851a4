"""The store in Redis: each change is one script and one round trip."""

import logging
import math
import secrets
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import cast

from smsotp_plugin.clock import Clock
from smsotp_plugin.errors import (
    Expired,
    OtherKey,
    OverBudget,
    ResendRefused,
    StoreError,
    TooManyAttempts,
    TooManyGuesses,
    UnknownChallenge,
    WrongCode,
)
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.rounds import Rounds
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.budgets import BudgetRules, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent
from smsotp_plugin.stores.gatherer import Gatherer
from smsotp_plugin.stores.guesses import CLEAN, Guesser, GuessRules, Standing
from smsotp_plugin.stores.kept import Attempt, KeptListener, LeftMessage, Parcel
from smsotp_plugin.stores.kind import Store
from smsotp_plugin.stores.process_traits import NO_TRAITS, ProcessTraits
from smsotp_plugin.stores.queue import WORKER_LIFE, MessageQueue
from smsotp_plugin.stores.redis.answers import RedisAnswers
from smsotp_plugin.stores.redis.budgets import Spender
from smsotp_plugin.stores.redis.connect import connect
from smsotp_plugin.stores.redis.doubts import Doubts
from smsotp_plugin.stores.redis.fates import Fates
from smsotp_plugin.stores.redis.foreign import demand, read_moment, reads_replies
from smsotp_plugin.stores.redis.guesses import in_our_time, read_standing, write_guesser, write_places
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.limits import lift_limits_in_redis, read_spent
from smsotp_plugin.stores.redis.line import Reply, Word
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered, may_be_done
from smsotp_plugin.stores.redis.member import Member
from smsotp_plugin.stores.redis.messages import Messages
from smsotp_plugin.stores.redis.queue import RedisQueue, write_addressee
from smsotp_plugin.stores.redis.reasons import ANSWER, RESEND, explain_full, explain_word
from smsotp_plugin.stores.redis.rows import read_challenge, write_challenge, write_message
from smsotp_plugin.stores.redis.same_key import SameKey
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.steady import SteadyClock
from smsotp_plugin.stores.redis.teller import Teller
from smsotp_plugin.stores.redis.trace import write_events
from smsotp_plugin.stores.redis.unheard import Unheard
from smsotp_plugin.stores.redis.watched import Watched
from smsotp_plugin.stores.tries import USED_UP, Tries

log = logging.getLogger("smsotp.store")

_DAY = 86400


class RedisStore(RedisAnswers, Store):
    """
    One Redis; any number of servers use it.

    Args:
        settings: Where it is.
        window: See `ChallengeStore.open_challenge`.
        events_kept: Seconds that the delivery log goes back.
        clock: Time.
        budgets: How many SMS there may be.
        traits: Those of this process.
        turn: The store's own clock, in Unix seconds; None: that of Redis.
        limit: Seconds that a call may take.

    Raises:
        OtherKey: The processes that use it have other keys.
        StoreError: The settings cannot be used. If Redis does not answer, the store waits for it: until then, every method raises.
    """

    def __init__(  # noqa: PLR0913  (what `StoreKind.open` takes, and a clock for tests)
        self,
        settings: RedisSettings,
        window: float,
        events_kept: float,
        clock: Clock,
        budgets: BudgetRules,
        *,
        traits: ProcessTraits = NO_TRAITS,
        turn: Callable[[], float] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._link, self._scripts = connect(settings, clock, turn=turn, limit=limit)
        self._window = window
        self._write_events = partial(write_events, self._scripts, events_kept)
        self._clock = clock
        self._steady = SteadyClock(self._scripts, clock)
        self._spender = Spender(budgets, self._scripts, clock, self._steady)
        self._gatherer = Gatherer(self._catch_up, clock)
        self._lazy = Lazy(self._scripts, self._gatherer.soon)
        self._fates = Fates(self._scripts, self._lazy)
        same_key = SameKey(traits, settings.place, clock)
        self._messages = Messages(self._scripts, self._lazy, clock, same_key)
        self._member = Member(self._messages, self._scripts, traits, settings.place, clock, self._steady)
        #: How many messages may wait for workers; None: this store's process sends by itself.
        self._most_waiting: int | None = None
        self._teller = Teller()
        self._doubts = Doubts(self._scripts, clock, self._teller.tell)
        self._unheard = Unheard(self._scripts)
        self._watched = Watched(self._link, self._scripts, clock)
        self._tries = Tries()
        #: Whether spending that waits has to be written before anything else is decided.
        self._unspent = False
        self._housekeeper = Rounds("smsotp-housekeeper", self._keep_house, clock)
        self._gatherer.start()
        try:
            self._member.tell()
        except NotAnswered as exc:
            log.warning("the store is not there yet: %s", exc)
        except BaseException:
            self._gatherer.stop()
            self._link.close()
            raise

    def start(self) -> None:
        self._housekeeper.start()

    def listen(self, listener: KeptListener) -> None:
        self._teller.listener = listener

    def open_queue(self, most: int) -> MessageQueue:
        self._most_waiting = most
        self._messages.life = WORKER_LIFE
        return RedisQueue(self._scripts, self._lazy, self._messages, most)

    @reads_replies
    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        self._messages.settle_key()
        keys = [f"challenge:{new.state}", f"login:{new.login}"]
        message = write_message(parcel.seal())
        words = [self._window, self._address(parcel), *message, *write_challenge(new)]
        try:
            word, *rest = self._spend("open", keys, words, parcel.spending, now=new.created)
            if word == b"same":
                return read_challenge(rest[0])
            demand(word, b"kept")
        except BaseException as exc:
            if may_be_done(exc):
                self._doubts.add(new, parcel)
            raise
        self._teller.add(parcel)
        self._gatherer.soon()
        return new

    @reads_replies
    def find_same(self, login: str, now: float) -> Challenge | None:
        reply = self._scripts.run("find_same", [f"login:{login}"], login, self._window, now=now)
        return None if reply is None else read_challenge(reply)

    @reads_replies
    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        self._messages.settle_key()
        self._unheard.settle(state)
        known, ticket = self._tries.left(state), secrets.token_hex(8)
        words = (state, user, seal, "" if known is None else known, ticket, *write_guesser(guesser))
        with self._unheard.of(state, ticket):
            reply = self._scripts.run("answer", [f"challenge:{state}"], *words, now=now)
            word, *rest = cast("list[Reply]", reply)
            if word != b"right":
                raise self._why_not(cast("bytes", word), rest, state, guesser)
            challenge = read_challenge(rest[0])
        self._tries.note(state, USED_UP)
        return challenge

    @reads_replies
    def find(self, state: str, user: str) -> Challenge:
        reply = self._scripts.run("find", [f"challenge:{state}"], state, user)
        if reply is None:
            raise UnknownChallenge("no challenge of this user has this State")
        return read_challenge(reply)

    @reads_replies
    def resend(self, state: str, user: str, now: float, rules: ResendRules, parcel: Parcel) -> Challenge:
        words = [state, user, rules.limit, rules.pace, self._address(parcel), *write_message(parcel.seal())]
        keys = [f"challenge:{state}"]
        # If it waits for workers, one of them gets it whatever is answered here.
        name = f"{state}:{parcel.resends + 1}"
        with self._messages.unsure(name) if self._most_waiting is None else nullcontext():
            word, *rest = self._spend("resend", keys, words, parcel.spending, now=now)
            if word == b"kept":
                return read_challenge(rest[0])
            if word == b"early":
                raise ResendRefused(max(1.0, read_moment(rest[0])))
            raise explain_word(RESEND, word)

    def may_wait(self, rules: GuessRules) -> bool:
        return self._watched.anybody(rules)

    @reads_replies
    def known_place(self, guesser: Guesser, number_hash: str) -> str:
        del number_hash
        word = self._scripts.run("known_place", [f"guesses:{guesser.accounts[0]}"], *write_places(guesser))
        return cast("bytes", word).decode()

    @reads_replies
    def standing(self, guesser: Guesser, number_hash: str) -> Standing:
        reply = self._scripts.run("standing", ["watched"], *guesser.accounts, number_hash)
        if not reply:
            return CLEAN
        word, kept = cast("tuple[bytes, Reply]", reply)
        turn = read_moment(word)
        return in_our_time(read_standing(kept, guesser, turn), turn, self._clock.time())

    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        keys = [f"challenge:{state}", f"message:{state}:{resends}"]
        self._scripts.run("mark_undelivered", keys, resends, why, self._messages.owner)

    def begin_attempts(self, attempts: Sequence[Attempt]) -> Sequence[Exception | None]:
        return self._messages.begin_attempts(attempts)

    def end_attempt(self, state: str, resends: int, gateway: str) -> None:
        self._messages.end_attempt(f"{state}:{resends}", gateway)

    def forget_message(self, state: str, resends: int) -> None:
        self._messages.forget(f"{state}:{resends}")

    def take_over(self, now: float) -> Sequence[LeftMessage]:
        return self._messages.take_over(now)

    def over_budget(self, spending: Spending) -> OverBudget | None:
        return self._spender.find_over(spending)

    @reads_replies
    def spend(self, spending: Spending) -> None:
        keys = [f"spent:{next(iter(spending.keys), '')}"]
        word, *_ = self._spend("spend", keys, [0], spending)
        demand(word, b"spent")

    def spend_anyway(self, spending: Spending) -> None:
        self._spender.forget((*spending.keys, ""))
        self._unspent = True
        self._lazy.add(partial(self._spender.command, spending))

    def lift(self, keys: tuple[str, ...]) -> None:
        self._spender.forget(keys)
        lift_limits_in_redis(self._scripts, keys)

    def spent(self, key: str) -> list[tuple[Quota, int]]:
        return read_spent(self._scripts, self._spender, key)

    def count(self, what: str) -> None:
        key = f"counts:{int(self._clock.time() // _DAY)}"
        self._lazy.add(partial(self._scripts.command, "count", [key], what, 1), soon=False)

    def record(self, event: DeliveryEvent) -> None:
        self._lazy.gather(self._write_events, event, soon=False)

    def flush(self) -> None:
        self._teller.tell_all()
        self._doubts.settle()
        self._unheard.settle()
        self._lazy.flush()

    def close(self) -> None:
        self._housekeeper.stop()
        self._gatherer.stop()
        try:
            self.flush()
        finally:
            with suppress(StoreError):
                self._messages.leave()
            self._watched.close()
            self._link.close()

    def _address(self, parcel: Parcel) -> str:
        """Return who gets a message, in the form for the scripts: this store, or the queue."""
        most = self._most_waiting
        return self._messages.owner if most is None else write_addressee(most, parcel.holders)

    def _spend(
        self,
        name: str,
        keys: Sequence[str],
        words: Sequence[Word | float],
        spending: Spending,
        now: float | None = None,
    ) -> list[Reply]:
        """
        Run a script that spends.

        Args:
            name: Of the script.
            keys: What it is about.
            words: What it is told before what it spends.
            spending: What it spends.
            now: The moment of the request, in Unix seconds; None: this one.

        Raises:
            OverBudget: It is over budget.
            QueueFull: Too many messages wait for workers, or somebody has their share.
            StoreError: It cannot be decided.
        """
        if self._unspent:
            self._lazy.flush()
            self._unspent = False
        spent = self._spender.words(spending)
        reply = cast("list[Reply]", self._scripts.run(name, keys, *words, *spent, now=now))
        if reply[0] == b"full":
            raise explain_full(*reply[1:])
        over = self._spender.read(reply[-1])
        if reply[0] == b"over" and over is not None:
            raise over
        return reply

    def _why_not(self, word: bytes, rest: Sequence[Reply], state: str, guesser: Guesser | None) -> Exception:
        """Return why an answer is not accepted, and remember the tries that are left."""
        if word == b"locked":
            return TooManyGuesses(math.inf if rest[0] == b"ever" else read_moment(rest[0]))
        if word not in {b"wrong", b"last"}:
            why = explain_word(ANSWER, word)
            if isinstance(why, TooManyAttempts):
                self._tries.note(state, 0)
            if isinstance(why, TooManyAttempts | Expired):
                why.challenge = read_challenge(rest[0])
            return why
        row, left, moment, kept = cast("tuple[Reply, int, bytes, Reply]", rest)
        turn = read_moment(moment)
        in_a_row, wait = 1, 0.0
        if guesser is not None:
            standing = read_standing(kept, guesser, turn)
            in_a_row, wait = standing.in_a_row, max(0.0, standing.challenge_from - turn)
        self._tries.note(state, max(0, left))
        wrong = (
            TooManyAttempts("wrong code, no try is left", guesses=in_a_row, wait=wait)
            if word == b"last"
            else WrongCode(left, guesses=in_a_row, wait=wait)
        )
        wrong.challenge = read_challenge(row)
        return wrong

    def _catch_up(self) -> None:
        """Tell the listener what is kept, and write what waits; if that fails, the link logs it and the next round tries again."""
        self._teller.tell()
        try:
            self._lazy.flush()
        except StoreError:
            return
        except BaseException:  # the thread has to live
            log.exception("unexpected failure")

    def _keep_house(self) -> None:
        """Say that this store lives, ask what is in doubt, and write what waits; if that fails, the link logs it."""
        with suppress(StoreError):
            self._say_that_it_lives()
            self._doubts.settle()
            self._unheard.settle()
            self._watched.check()
            self._lazy.wake()

    def _say_that_it_lives(self) -> None:
        """Say that this store lives; if the others have another key, ask nothing more of Redis."""
        try:
            self._member.tell()
        except OtherKey as exc:
            self._link.shut(str(exc))
            raise
