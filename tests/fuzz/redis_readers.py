"""What Redis answers to the scripts of the store, from the reply on: the bytes of the protocol are the client's."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from rich.console import Console

from smsotp_plugin.clock import Clock
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.commands.limits import _print, _tell_brakes, _tell_counts, _tell_usage
from smsotp_plugin.commands.trace import _lives, _write_timeline
from smsotp_plugin.dispatch.health import Condition
from smsotp_plugin.dispatch.stream import WorkersView
from smsotp_plugin.dispatch.takeover import Takeover
from smsotp_plugin.errors import CannotSend, ChallengeError, NotNeeded, ResendRefused, StoreError
from smsotp_plugin.fields.quota import Quota
from smsotp_plugin.login.guard import say_time
from smsotp_plugin.sms.sealed import Letter
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.budgets import BudgetRules, Scope, Spending
from smsotp_plugin.stores.delivery_log import DeliveryEvent, Wanted
from smsotp_plugin.stores.guesses import Guesser, GuessRules, client_place, station_place
from smsotp_plugin.stores.person import StoredPerson
from smsotp_plugin.stores.queue import NO_CHALLENGE
from smsotp_plugin.stores.redis.contents import read_contents_of_redis
from smsotp_plugin.stores.redis.erase import erase_from_redis
from smsotp_plugin.stores.redis.lazy import Lazy
from smsotp_plugin.stores.redis.limits import read_limits_in_redis
from smsotp_plugin.stores.redis.link import Command
from smsotp_plugin.stores.redis.scripts import Scripts, check
from smsotp_plugin.stores.redis.settings import RedisSettings
from smsotp_plugin.stores.redis.store import RedisStore
from smsotp_plugin.stores.redis.trace import read_events
from smsotp_plugin.stores.sealed import SealedStore
from tests.fuzz.reader import Reader, describe
from tests.fuzz.redis_replies import PART, SEALER, STATE, TOKENS, examples, make_challenge, parse
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import SomeParcel, begin_attempt

_WRONG = "b" * 32
_RULES = GuessRules(5, 50, 30.0, 3600.0, 86400.0, 30 * 86400.0)
_SOMEBODY = Guesser(("1" * 32,), (station_place("2" * 32), client_place("3" * 32)), _RULES)
_BUDGETS = BudgetRules({Scope.USER: (Quota(5, 600, "5/10m"), Quota(20, 86400, "20/d"))}, 1_000_000)
_SPENDING = Spending(("u" + "1" * 16,), 75_000)
_PERSON = StoredPerson("bob", ("bob",), ("4" * 32,), ("1" * 32,), _SPENDING.keys, ("user:5",))
_KEYS = (
    *(
        f"challenge:{STATE}",
        f"message:{STATE}:0",
        f"message:{NO_CHALLENGE}{STATE}:0",
        "events:1a2b3c4d",
        "receipts:gtx:1",
        "guesses:1",
        "wrong:1",
    ),
    *("spent:u1", "money", "counts:20000", "answers:490000", "brakes", "version"),
)


class _Replies(Scripts):
    """Answers what a case says, whatever it is told."""

    def __init__(self) -> None:  # it needs no link
        self._prefix = "{fuzz}:"
        self.replies: list[Any] = []

    def run(self, name: str, keys: Sequence[str], *words: object, now: float | None = None) -> object:
        del name, keys, words, now
        return check(self._next())

    def run_all(self, commands: Sequence[object]) -> list[object]:
        return [self._next() for _ in commands]

    def ask(self, command: str, *words: object, key: str) -> object:
        del command, words, key
        return check(self._next())

    def scan(self, beginning: str = "") -> Any:
        return iter([key for key in _KEYS if key.startswith(beginning)])

    def _next(self) -> object:
        # The first one over and over would have some calls ask for ever.
        return self.replies.pop(0) if self.replies else None


class _Silent(_Replies):
    """Has nothing to say."""

    def command(self, name: str, keys: Sequence[str], *words: object, now: float | None = None) -> Command:
        del keys, words, now
        return Command((name,))


@contextmanager
def redis_readers() -> Iterator[list[Reader]]:
    """Give the reader of what Redis answers."""
    clock = FakeClock(waits=Waits.TAKING_TIME)
    names = CodeMaker(b"k" * 32, 6, "0123456789", random_bytes=lambda count: b"r" * count).names
    # Nothing listens there, and nothing is asked there.
    settings = RedisSettings(url="redis://127.0.0.1:1", key="k" * 32)
    inner, scripts = RedisStore(settings, 60, 86400, clock, _BUDGETS), _Replies()
    for part in (inner, inner._messages, inner._spender, inner._fates):
        vars(part)["_scripts"] = scripts
    # What is in doubt is asked for apart, so that each case is read by the call that it is meant for.
    for doubtful in (inner._doubts, inner._unheard):
        vars(doubtful)["_scripts"] = _Silent()
    # What is written soon is never written.
    vars(inner._messages)["_lazy"] = Lazy(scripts, lambda: None)
    try:
        new = make_challenge(names, clock.time())
        yield [_redis(scripts, _calls(scripts, inner, SealedStore(inner, names), new, clock), new)]
    finally:
        inner.close()


def _redis(scripts: _Replies, calls: Mapping[str, Callable[[], object]], new: Challenge) -> Reader:
    def read(data: bytes) -> str:
        first, _, rest = data.partition(PART)
        name = first.decode(errors="replace")
        if name not in calls:
            name = sorted(calls)[sum(first) % len(calls)]
        scripts.replies = parse(rest)
        try:
            return f"{name} {type(calls[name]()).__name__}"
        except (CannotSend, ChallengeError, NotNeeded, ResendRefused, StoreError) as exc:
            return f"{name} {describe(exc)}"

    return Reader("redis", examples(new), TOKENS, read)


def _calls(
    scripts: _Replies, inner: RedisStore, store: SealedStore, new: Challenge, clock: Clock
) -> dict[str, Callable[[], object]]:
    """Return what is asked of a store, by name; each raises where what comes back must not."""
    return (
        _log_in_calls(inner, store, new)
        | _message_calls(scripts, inner, store, new.created + 1, clock)
        | _command_calls(scripts, inner, new.created + 1, clock)
    )


def _log_in_calls(inner: RedisStore, store: SealedStore, new: Challenge) -> dict[str, Callable[[], object]]:
    now, parcel = new.created + 1, SomeParcel(new, spending=_SPENDING)

    def answer() -> None:
        store.answer(STATE, "bob", _WRONG, now, _SOMEBODY)
        raise AssertionError("a wrong code is taken for right")

    def open_challenge() -> str:
        kept = store.open_challenge(new, parcel)
        inner.over_budget(_SPENDING)
        return kept.user

    def standing() -> str:
        found = store.standing(_SOMEBODY, new.number_hash)
        return (
            say_time(max(0.0, found.challenge_from - now)) if math.isfinite(found.challenge_from) else "ever"
        )

    return {
        "open": open_challenge,
        "find_same": lambda: store.find_same(new.login, now),
        "answer": answer,
        "find": lambda: store.find(STATE, "bob").undelivered.encode(errors="replace"),
        "resend": lambda: store.resend(STATE, "bob", now, ResendRules(2, 30), parcel),
        "known_place": lambda: store.known_place(_SOMEBODY, new.number_hash),
        "standing": standing,
        "spend": lambda: inner.spend(_SPENDING),
    }


def _message_calls(
    scripts: _Replies, inner: RedisStore, store: SealedStore, now: float, clock: Clock
) -> dict[str, Callable[[], object]]:
    queue = inner.open_queue(1000)
    vars(queue)["_scripts"] = scripts
    view = WorkersView(queue, clock)
    opens = _Opens(clock)

    def begin() -> None:
        begin_attempt(store, STATE, "gtx")
        inner._messages._begun.clear()

    def look() -> bool:
        view.refresh()
        view.check(1000)
        return view.find_health("gtx").condition == Condition.ALIVE

    return {
        "begin_attempts": begin,
        "live": inner._messages.live,
        "take_over": lambda: opens.hand_over(inner.take_over(now)),
        "take": lambda: opens.hand_over(queue.take(20)),
        "take_lost": lambda: opens.hand_over(queue.take_lost()),
        "look": look,
        "fates": lambda: sorted(fate for _, fate in inner.hear_fates()),
    }


def _command_calls(
    scripts: _Replies, inner: RedisStore, now: float, clock: Clock
) -> dict[str, Callable[[], object]]:
    def trace() -> list[str]:
        lives = _lives([read_events(scripts, Wanted(user="bob"), 3)])
        return [_printed(_write_timeline(life, first=True).plain) for life in lives]

    def limits() -> list[str]:
        usage = read_limits_in_redis(scripts, _BUDGETS, _SPENDING.keys, clock)
        lines = [
            *_tell_brakes(usage.brakes, usage.at),
            *_tell_usage("bob", usage, ()),
            *_tell_counts(usage.counts, usage.at),
        ]
        shown = io.StringIO()
        _print(Console(file=shown, soft_wrap=True), lines)
        return [_printed(shown.getvalue())]

    return {
        "answers": lambda: [count.hour + count.answered for count in inner.load_answers(int(now // 3600))],
        "brakes": lambda: sorted(brake.until - brake.since for brake in inner.list_brakes()),
        "trace": trace,
        "limits": limits,
        "contents": lambda: len(read_contents_of_redis(scripts).challenges),
        "erase": lambda: bool(erase_from_redis(scripts, _PERSON, clock)),
    }


def _printed(text: str) -> str:
    assert text.replace("\n", "").isprintable(), "what a terminal could obey"
    return text


class _Opens(Takeover):
    """Opens the messages that it is given, and sends none."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(
            store=cast("Any", self),
            sealer=SEALER,
            reference=reference_of,
            dispatcher=cast("Any", self),
            delivery_log=cast("Any", self),
            clock=clock,
        )

    def resume(self, letter: Letter, may_have_it: frozenset[str]) -> None:
        del letter, may_have_it

    def record(self, event: DeliveryEvent) -> None:
        assert event.detail.isprintable()

    def mark_undelivered(self, state: str, resends: int, why: str) -> None:
        del state, resends, why

    def forget_message(self, state: str, resends: int) -> None:
        del state, resends
