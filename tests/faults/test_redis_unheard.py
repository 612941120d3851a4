"""
Redis has done what it was asked for, and nobody has heard it.

Whoever was refused gets in with the same code, once, and nobody else does. What no gateway got is sent, and once.
"""

from dataclasses import replace
from typing import cast

import pytest

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.codes.fingerprints import reference_of
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.kept import Attempt
from smsotp_plugin.stores.redis.link import LIMIT, NotAnswered
from smsotp_plugin.stores.redis.messages import LIFE
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import RIGHT, WRONG, name_outcome
from tests.support.clock import FakeClock
from tests.support.parcels import begin, begin_attempt
from tests.support.redis import Redis, once, open_store, somebody
from tests.support.redis_peer import Proxy, behind, leave, server

__all__ = ["behind", "server"]

Behind = tuple[Proxy, RedisStore, FakeClock]


def answer_unheard(behind: Behind, new: Challenge, seal: str = RIGHT) -> None:
    """Answer a challenge, and let the proxy keep to itself what Redis says to that."""
    proxy, store, clock = behind
    # Redis gets to know the script.
    judge(store, begin(store, somebody(clock)), clock)
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        store.answer(new.state, "bob", seal, clock.time())
    proxy.is_silent = False


def begin_unheard(behind: Behind, seal: str = RIGHT) -> Challenge:
    """Begin a log-in and answer it unheard."""
    _, store, clock = behind
    new = begin(store, somebody(clock))
    answer_unheard(behind, new, seal)
    return new


def judge(store: RedisStore, new: Challenge, clock: FakeClock) -> str:
    """Answer with the right code as soon as Redis lets us; returns what is said."""
    return once(
        lambda: name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time())), clock=clock
    )


def judge_later(store: RedisStore, new: Challenge, clock: FakeClock) -> list[str]:
    """Answer again and again, after each round of the housekeeper."""
    said = []
    for _ in range(5):
        once(store.flush, clock=clock)
        said.append(judge(store, new, clock))
    return said


def test_the_same_code_is_right_at_the_same_server_at_once_and_once(behind: Behind) -> None:
    _, store, clock = behind
    new = begin_unheard(behind)

    assert [judge(store, new, clock) for _ in range(2)] == ["accepted", "AlreadyUsed"]
    assert judge_later(store, new, clock) == ["AlreadyUsed"] * 5


def test_it_is_right_at_another_server_when_the_first_one_has_heard_of_redis_again(
    server: RedisServer, behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    _, store, clock = behind
    other = open_store(server.url, limit=LIMIT)
    new = begin_unheard(behind)
    before = judge(other, new, clock)
    once(store.flush, clock=clock)
    told = caplog.messages.count(
        f"challenge {reference_of(new.state)} can be answered again: its code was right when Redis did not answer, and refused"
    )
    again = begin(other, replace(new, state="f" * 32))
    after = [judge(other, new, clock) for _ in range(2)]
    later = judge_later(store, new, clock)
    other.close()

    assert (before, told, again.state, after) == ("AlreadyUsed", 1, new.state, ["accepted", "AlreadyUsed"])
    assert later == ["AlreadyUsed"] * 5


def test_a_code_that_let_somebody_in_is_never_right_again_whatever_is_not_heard_later(
    behind: Behind,
) -> None:
    _, store, clock = behind
    new = begin(store, somebody(clock))
    first = judge(store, new, clock)
    answer_unheard(behind, new)

    assert first == "accepted"
    assert judge_later(store, new, clock) == ["AlreadyUsed"] * 5


def test_it_is_right_although_redis_hung_and_judged_it_only_after_its_use_was_taken_back(
    behind: Behind,
) -> None:
    _, store, clock = behind
    new = begin_unheard(behind)
    ((_, ticket),) = store._unheard._looks
    once(store.flush, clock=clock)
    words = (new.state, "bob", RIGHT, "", ticket, "")
    word, _ = cast("list[object]", store._scripts.run("answer", [f"challenge:{new.state}"], *words))

    assert word == b"right"
    assert judge_later(store, new, clock) == ["accepted", *["AlreadyUsed"] * 4]


def test_a_wrong_code_has_used_up_its_try(behind: Behind) -> None:
    _, store, clock = behind
    new = begin_unheard(behind, WRONG)
    once(store.flush, clock=clock)

    assert store.find(new.state, "bob").tries_left == new.tries_left - 1


def test_of_many_answers_the_last_ones_are_remembered(behind: Behind) -> None:
    _, store, _ = behind
    for number in range(1002):
        with pytest.raises(NotAnswered), store._unheard.of("a" * 32, str(number)):
            raise NotAnswered("", is_sent=number > 0)

    assert [ticket for _, ticket in store._unheard._looks] == [str(number) for number in range(2, 1002)]


def begin_attempt_unheard(behind: Behind, new: Challenge) -> None:
    """Begin an attempt, and let the proxy keep to itself what Redis says to that."""
    proxy, store, clock = behind
    # Redis gets to know the script.
    begin_attempt(store, begin(store, somebody(clock)).state, "gtx")
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        begin_attempt(store, new.state, "gtx")
    proxy.is_silent = False


def leave_to_heir(
    server: RedisServer, store: RedisStore, *messages: Challenge | Attempt
) -> list[frozenset[str]]:
    """Take a store for dead; returns which gateways may have each of these messages, as far as its heir knows."""
    heir, redis = open_store(server.url, limit=LIMIT), Redis(server.port)
    leave(store, redis)
    redis.close()
    left = {each.message.state: each.may_have_it for each in heir.take_over(SystemClock().time())}
    heir.close()
    return [left[each.state] for each in messages]


def test_a_gateway_certainly_does_not_have_what_it_was_not_given_because_redis_did_not_answer(
    server: RedisServer, behind: Behind
) -> None:
    _, store, clock = behind
    new = begin(store, somebody(clock))
    begin_attempt_unheard(behind, new)
    once(store.flush, clock=clock)

    assert leave_to_heir(server, store, new) == [frozenset()]


BOTH_BEGUN = b"*2\r\n$5\r\nbegun\r\n$5\r\nbegun\r\n"


@pytest.mark.parametrize(
    ("nonsense", "noted"),
    [
        (b"*2\r\n$5\r\nbegun\r\n$5\r\nbegan\r\n", [True, False]),
        (b"*2\r\n:1\r\n$-1\r\n", [False, False]),
        (b"*1\r\n$5\r\nbegun\r\n", [False, False]),
        (b"$5\r\nbegun\r\n", [False, False]),
    ],
)
def test_a_gateway_certainly_does_not_have_what_it_was_not_given_because_redis_answered_nonsense(
    server: RedisServer, behind: Behind, nonsense: bytes, noted: list[bool]
) -> None:
    proxy, store, clock = behind
    attempts = [Attempt(begin(store, somebody(clock)).state, 0, "gtx") for _ in range(2)]
    proxy.change = lambda answer: answer.replace(BOTH_BEGUN, nonsense)
    problems = store.begin_attempts(attempts)
    store.flush()

    assert [problem is None for problem in problems] == noted
    assert [bool(found) for found in leave_to_heir(server, store, *attempts)] == noted


def test_an_attempt_that_is_made_when_redis_answers_again_is_noted(
    server: RedisServer, behind: Behind
) -> None:
    _, store, clock = behind
    new = begin(store, somebody(clock))
    begin_attempt_unheard(behind, new)
    once(lambda: begin_attempt(store, new.state, "gtx"), clock=clock)
    store.flush()

    assert leave_to_heir(server, store, new) == [{"gtx"}]


def test_whoever_was_taken_for_dead_ends_no_attempt_of_somebody_else(server: RedisServer) -> None:
    first, second = (open_store(server.url, limit=LIMIT) for _ in range(2))
    redis = Redis(server.port)
    new = begin(first, somebody())
    begin_attempt(first, new.state, "gtx")
    leave(first, redis)
    second.take_over(SystemClock().time())
    begin_attempt(second, new.state, "gtx")
    first.end_attempt(new.state, 0, "gtx")
    first.flush()
    found = leave_to_heir(server, second, new)
    for each in (first, second):
        each.close()
    redis.close()

    assert found == [{"gtx"}]


def test_whoever_found_redis_away_lets_the_others_say_that_they_live_before_anything_is_taken_from_them(
    server: RedisServer, behind: Behind
) -> None:
    proxy, heir, clock = behind
    silent, redis = open_store(server.url, limit=LIMIT), Redis(server.port)
    new = begin(silent, somebody())
    proxy.is_silent = True
    with pytest.raises(NotAnswered):
        heir.find(new.state, "bob")
    proxy.is_silent = False
    leave(silent, redis)
    at_once = once(lambda: heir.take_over(clock.time()), clock=clock)
    clock.advance(LIFE - 0.1)
    later = heir.take_over(clock.time())
    clock.advance(0.2)
    last = heir.take_over(clock.time())
    redis.close()

    assert (at_once, later) == ([], [])
    assert [each.message.state for each in last] == [new.state]
