"""
Redis answers something that the script which it was asked to run never says.

Nobody is let in, nobody gets anything but a refusal, and the log has a sentence. What Redis may have done all the same is found out
as when it does not answer.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from pydantic import SecretStr

from smsotp_mocks.servers.redis import RedisServer
from smsotp_plugin.assembly import System, build
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import ChallengeError, QueueFull, ResendRefused, StoreError
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.base import Challenge, ResendRules
from smsotp_plugin.stores.redis.store import RedisStore
from tests.support.challenges import RIGHT, name_outcome
from tests.support.clock import FakeClock
from tests.support.login_bench import request
from tests.support.parcels import SomeParcel, begin, told_by
from tests.support.redis import once, somebody
from tests.support.redis_peer import Proxy, behind, server

__all__ = ["behind", "server"]

Behind = tuple[Proxy, RedisStore, FakeClock]
CALLS = ("open", "answer", "resend")
#: All words of all scripts, and which calls each of them is an answer to.
WORDS = {
    "right": {"answer"},
    "wrong": {"answer"},
    "last": {"answer"},
    "locked": {"answer"},
    "used": {"answer"},
    "spent": {"answer"},
    "expired": {"answer"},
    "raised": {"answer"},
    "unknown": {"answer", "resend"},
    "ended": {"resend"},
    "too many": {"resend"},
    "early": {"resend"},
    "kept": {"open", "resend"},
    "same": {"open"},
    "over": {"open", "resend"},
    "full": {"open", "resend"},
    "spent ": set(),
    "begun": set(),
    "RIGHT": set(),
}
NOTHING_AT_ALL = (
    *(
        b"+OK\r\n",
        b":1\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"$0\r\n\r\n",
        b"$5\r\nright\r\n",
        b"+kept\r\n",
    ),
    *(
        b"*1\r\n*0\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n$-1\r\n",
        b"*2\r\n$-1\r\n$-1\r\n",
        b"*1\r\n*1\r\n$5\r\nright\r\n",
    ),
)
#: How the answers begin by which a log-in goes on; others are asked for at the same time.
_GOES_ON = re.compile(rb"\*\d\r\n\$\d\r\n(?:kept|wrong)\r\n")
#: What comes after a word.
RESTS = (
    b"",
    b"$1\r\nx\r\n",
    b":-5\r\n",
    b"$-1\r\n",
    b"*0\r\n",
    b"$1\r\n\xff\r\n",
    b"$3\r\nnan\r\n",
    b"*13\r\n" + b":1\r\n" * 13,
)


def text(word: str | bytes) -> bytes:
    word = word.encode() if isinstance(word, str) else word
    return b"$%d\r\n%s\r\n" % (len(word), word)


def call(what: str, store: RedisStore, new: Challenge, clock: FakeClock) -> Challenge:
    if what == "open":
        return begin(store, new)
    if what == "answer":
        return store.answer(new.state, "bob", RIGHT, clock.time())
    return store.resend(new.state, "bob", clock.time(), ResendRules(3, 0), SomeParcel(new))


def said_to(what: str, behind: Behind, nonsense: Callable[[bytes], bytes]) -> str:
    """Return what a call that is answered with nonsense raises, as a sentence."""
    proxy, store, clock = behind
    new = somebody(clock)
    if what != "open":
        begin(store, new)
    proxy.change = nonsense
    with pytest.raises(StoreError) as caught:
        call(what, store, new, clock)
    proxy.change = bytes
    return str(caught.value)


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("answer", NOTHING_AT_ALL)
def test_what_is_no_answer_is_refused_in_a_sentence(behind: Behind, what: str, answer: bytes) -> None:
    said = said_to(what, behind, lambda _: answer)

    assert said.startswith("Redis answers with something that smsotp has not written there (")
    assert said.endswith("): is it damaged, or has somebody else changed it?")


@pytest.mark.parametrize("what", CALLS)
def test_a_word_of_another_script_is_no_answer(behind: Behind, what: str) -> None:
    for word, rest in product(WORDS, RESTS):
        if what not in WORDS[word]:
            answer = b"*%d\r\n%s%s" % (1 + bool(rest), text(word), rest)
            assert "smsotp has not written there" in said_to(what, behind, lambda _: answer), answer  # noqa: B023  (called at once)


@pytest.mark.parametrize("what", CALLS)
def test_whatever_comes_after_a_word_nothing_but_our_own_errors_is_raised(behind: Behind, what: str) -> None:
    proxy, store, clock = behind
    for word, rest, times in product(WORDS, RESTS[1:], (1, 2, 4)):
        answer = b"*%d\r\n%s%s" % (1 + times, text(word), rest * times)
        new = begin(store, somebody(clock)) if what != "open" else somebody(clock)
        proxy.change = lambda _: answer  # noqa: B023  (called at once)
        with contextlib.suppress(StoreError, ChallengeError, ResendRefused, QueueFull):
            assert (what, word, call(what, store, new, clock)) == ("open", "kept", new)
        proxy.change = bytes


def test_a_code_that_was_right_and_answered_with_nonsense_is_right_again_and_once(
    behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    proxy, store, clock = behind
    new = begin(store, somebody(clock))
    proxy.change = lambda answer: answer.replace(text("right"), text("night"))
    with pytest.raises(StoreError):
        call("answer", store, new, clock)
    proxy.change = bytes
    said = [name_outcome(lambda: call("answer", store, new, clock)) for _ in range(2)]

    assert said == ["accepted", "AlreadyUsed"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "can be answered again: its code was right" in caplog.text


def test_a_challenge_whose_keeping_was_answered_with_nonsense_gets_its_sms(behind: Behind) -> None:
    proxy, store, clock = behind
    told, new = told_by(store), somebody(clock)
    proxy.change = lambda answer: answer.replace(text("kept"), text("kapt"))
    with pytest.raises(StoreError):
        begin(store, new)
    proxy.change = bytes
    store.flush()

    assert told == [new.state]
    assert begin(store, replace(new, state="f" * 32)) == new


def test_a_further_sms_whose_keeping_was_answered_with_nonsense_is_found(behind: Behind) -> None:
    proxy, store, clock = behind
    new = begin(store, somebody(clock))
    proxy.change = lambda answer: answer.replace(text("kept"), text("kapt"))
    with pytest.raises(StoreError):
        call("resend", store, new, clock)
    proxy.change = bytes
    found = once(lambda: store.take_over(SystemClock().time()), clock=clock)

    assert [(each.message.state, each.message.resends) for each in found] == [(new.state, 1)]


@pytest.fixture
def system(server: RedisServer, tmp_path: Path) -> Iterator[tuple[Proxy, System]]:
    """Give all that a server has, behind a proxy."""
    with Proxy(server.port) as proxy:
        path = tmp_path / "smsotp.toml"
        path.touch(mode=0o600)
        path.write_text(f"""
[store]
url = "{proxy.url}"
key = "{"k" * 32}"
[challenge]
resend_after = 0
[gateways.any]
provider = "script"
SCRIPT = "/bin/true"
""")
        system = build(load_settings(path), SystemClock())
        yield proxy, system
        proxy.change = bytes
        system.store.close()


@pytest.mark.parametrize(
    "answer", [b"*1\r\n$7\r\nexpired\r\n", b"*1\r\n$6\r\nbegun \r\n", b"+OK\r\n", b"$-1\r\n"]
)
@pytest.mark.parametrize("what", ["log in", "answer", "ask for another SMS"])
def test_the_person_is_refused_and_the_administrator_reads_one_sentence(
    system: tuple[Proxy, System], caplog: pytest.LogCaptureFixture, what: str, answer: bytes
) -> None:
    proxy, parts = system
    login = parts.login
    asked = login.first_leg(request())
    assert isinstance(asked, Ask)
    proxy.change = lambda piece: answer if _GOES_ON.match(piece) else piece
    caplog.clear()
    decision: Ask | Accept | Reject | NotOurs
    if what == "log in":
        decision = login.first_leg(request(user="anna", numbers=("+491701230000",)))
    else:
        typed = "000000" if what == "answer" else "resend"
        decision = login.answer_leg(request(state=asked.state, password=SecretStr(typed)))
    proxy.change = bytes

    assert isinstance(decision, Reject)
    assert decision.text == "No code can be sent at present. Try again later."
    (told,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "Redis answers with something that smsotp has not written there" in told.getMessage()
    assert told.exc_info is None
