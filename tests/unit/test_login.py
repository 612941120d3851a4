"""The flow, without RADIUS: what becomes of a first leg and of an answer."""

import logging
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from pydantic import SecretStr

from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.dispatch.delivery import DispatchRules, RetryRules
from smsotp_plugin.dispatch.dispatcher import Dispatcher
from smsotp_plugin.dispatch.routes import Plan, Recipient, RouteTable
from smsotp_plugin.errors import CannotSend, NoGatewayAlive, NoRoute, Outcome, QueueFull, StoreError
from smsotp_plugin.login.budgets import Budgets, make_rules
from smsotp_plugin.login.composing import Composer
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.login.ending import Aftermath
from smsotp_plugin.login.flow import Login
from smsotp_plugin.login.pumping import PumpingWatch
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.login.sending import CodeSender
from smsotp_plugin.login.waiting import Waiting
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from smsotp_plugin.settings.sections.delivery_log import DeliveryLogSettings
from smsotp_plugin.settings.sections.dispatch import DispatchSettings, OnUnknown
from smsotp_plugin.settings.sections.guesses import GuessSettings
from smsotp_plugin.settings.sections.limits import LimitSettings
from smsotp_plugin.settings.sections.log import LogSettings
from smsotp_plugin.settings.sections.otp import OtpSettings
from smsotp_plugin.settings.sections.queue import QueueSettings
from smsotp_plugin.settings.sections.users import UserSettings
from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.sealed import MessageSealer
from smsotp_plugin.stores.base import KEPT_AFTER_EXPIRY, Challenge
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted, describe
from smsotp_plugin.stores.guesses import Guesser
from smsotp_plugin.stores.kept import Parcel
from smsotp_plugin.stores.schemes import read_trace
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.clock import FakeClock, Waits
from tests.support.kept import KeepsNothing

NUMBER = "+491701234567"


class Outbox(Dispatcher):
    """Keeps what it is given, and tells how it ended where a test says so."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(
            providers=[],
            routes=RouteTable([], []),
            rules=DispatchRules(100, 30.0, RetryRules(1, OnUnknown.NEXT), 0),
            delivery_log=cast("Any", None),
            store=KeepsNothing(),
            clock=clock,
            random=Random(1),
        )
        self._table = RouteTable([], ["first", "second"])
        self.messages: list[Message] = []
        self.gateways: list[tuple[str, ...]] = []
        self.refusal: Exception | None = None
        self.outcome: Outcome | None = None

    def plan(self, recipient: Recipient) -> Plan:
        if self.refusal is not None:
            raise self.refusal
        return self._table.plan(recipient)

    def submit_all(self, batch: Sequence[tuple[Message, Plan]]) -> None:
        for message, plan in batch:
            self.messages.append(message)
            self.gateways.append(plan.gateways)
            if self.outcome is not None:
                self._listener(message, self.outcome)


class BrokenStore(SqliteStore):
    """Fails where it is told to, and notes what it is asked."""

    broken = ""
    asked: tuple[str, ...] = ()

    def open_challenge(self, new: Challenge, parcel: Parcel) -> Challenge:
        self._fail("open")
        return super().open_challenge(new, parcel)

    def answer(
        self, state: str, user: str, seal: str, now: float, guesser: Guesser | None = None
    ) -> Challenge:
        self._fail("answer")
        return super().answer(state, user, seal, now, guesser)

    def find(self, state: str, user: str) -> Challenge:
        self._fail("find")
        return super().find(state, user)

    def _fail(self, where: str) -> None:
        self.asked += (where,)
        if self.broken == where:
            raise StoreError("the store is gone")


class AnotherReason(CannotSend):
    """A reason that does not exist yet."""


class Bench:
    """A login with everything that it needs."""

    def __init__(self, directory: Path, sections: dict[str, Any]) -> None:
        self.clock = FakeClock(1_000_000.0, Waits.NOT_AT_ALL)
        self.outbox = Outbox(self.clock)
        self.place = SqliteSettings(url=f"sqlite://{directory}/smsotp.db")
        limits = LimitSettings(**sections.get("limits", {}))
        self.store = BrokenStore(self.place.database, 30, 86400, self.clock, make_rules(limits))
        settings = Settings(
            otp=OtpSettings(**sections.get("otp", {})),
            challenge=ChallengeSettings(**sections.get("challenge", {})),
            guesses=GuessSettings(**sections.get("guesses", {})),
            limits=limits,
            users=UserSettings(**sections.get("users", {})),
            store=self.place,
            dispatch=DispatchSettings(**sections.get("dispatch", {})),
            queue=QueueSettings(),
            log=LogSettings(),
            delivery_log=DeliveryLogSettings(),
            smtp_servers={},
            gateways={},
            notifications={},
        )
        seeds = iter(range(1, 10**6))
        codes = CodeMaker(
            b"k" * 32,
            settings.otp.length,
            settings.otp.alphabet,
            lambda count: next(seeds).to_bytes(count),
        )
        self.pumping = PumpingWatch(limits, codes.names, self.store, self.clock)
        budgets = Budgets(limits, codes.names, self.store, self.clock, pumping=self.pumping)
        sealer = MessageSealer(bytes(32), secrets.token_bytes)
        sender = CodeSender(self.store, self.outbox, self.clock)
        waiting = Waiting(settings.dispatch.wait, self.clock)
        aftermath = Aftermath(self.store, waiting, budgets)
        self.login = Login(
            settings=settings,
            codes=codes,
            store=self.store,
            delivery_log=self.store,
            composer=Composer(
                settings=settings, codes=codes, budgets=budgets, sealer=sealer, outbox=self.outbox
            ),
            sender=sender,
            waiting=waiting,
            budgets=budgets,
            clock=self.clock,
        )
        self.store.listen(sender.send)
        self.outbox.listen(aftermath.note_end, aftermath.adjust)

    def ask(self, **fields: Any) -> Ask:
        asked = self.login.first_leg(request(**fields))
        assert isinstance(asked, Ask)
        self.store.flush()
        return asked

    def trace(self) -> Sequence[DeliveryEvent]:
        self.store.flush()
        return read_trace(self.place, Wanted(user="bob"), 100)

    def code(self) -> str:
        return self.outbox.messages[-1].otp.get_secret_value()


def request(**fields: Any) -> LoginRequest:
    given: dict[str, Any] = {
        "user": "bob",
        "password": SecretStr("hello"),
        "state": None,
        "client": "vpn",
        "station": "192.0.2.7",
        "site": "default",
        "gateway": "",
        "language": "",
        "notification": "",
        "numbers": (NUMBER,),
    }
    return LoginRequest(**(given | fields))


def answer(state: str, typed: str, **fields: Any) -> LoginRequest:
    return request(state=state, password=SecretStr(typed), **fields)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**sections: Any) -> Bench:
        made.append(Bench(tmp_path, sections))
        return made[-1]

    yield make
    for bench in made:
        bench.store.close()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


def test_a_first_leg_asks_for_the_code_that_was_sent(bench: Bench) -> None:
    asked = bench.ask()

    assert asked.prompt == "Enter the code sent to +49 *** **67"
    assert asked.seconds == 300
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_the_message_holds_the_number_the_code_and_its_end(bench: Bench) -> None:
    bench.ask()

    (message,) = bench.outbox.messages
    assert message.number.e164 == NUMBER
    assert message.sentence.get_secret_value() == f"{bench.code()} is your code to log in."
    assert message.expires == bench.clock.time() + 300
    assert len(message.reference) == 8


def test_a_text_of_the_administrator_takes_the_place_of_the_code(make: Callable[..., Bench]) -> None:
    bench = make(otp={"text": "Code {otp}, {otp}! {phone}"})
    bench.ask()

    otp, sentence = bench.outbox.messages[0].otp, bench.outbox.messages[0].sentence
    code = otp.get_secret_value()[5:11]
    assert otp == sentence == SecretStr(f"Code {code}, {code}! {{phone}}")


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Ihr Code: "), ("de-at", "Ihr Code: "), ("pt-br", "Seu "), ("pt", "Code "), ("", "Code ")],
)
def test_the_text_is_in_the_users_language_where_there_is_one(
    make: Callable[..., Bench], language: str, text: str
) -> None:
    texts = {"de": "Ihr Code: {otp}", "pt-BR": "Seu {otp}"}
    bench = make(otp={"text": "Code {otp}", "texts": texts}, challenge={"resend_after": 0})

    asked = bench.login.first_leg(request(language=language))
    assert isinstance(asked, Ask)
    bench.login.answer_leg(answer(asked.state, "resend", language=language))

    first, again = (message.sentence.get_secret_value() for message in bench.outbox.messages)
    assert first.startswith(text)
    assert again == first


def test_the_same_log_in_is_asked_the_same_with_the_time_that_is_left(bench: Bench) -> None:
    first = bench.ask()
    bench.clock.advance(20)
    second = bench.ask()

    assert (second.state, second.seconds) == (first.state, 280)
    assert len(bench.outbox.messages) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"user": "alice"},
        {"client": "desk"},
        {"station": "192.0.2.8"},
        {"numbers": ("+491701234568",)},
        {"site": "other"},
    ],
)
def test_what_makes_another_log_in(bench: Bench, other: dict[str, Any]) -> None:
    first = bench.ask()
    second = bench.ask(**other)

    assert first.state != second.state
    assert len(bench.outbox.messages) == 2


def test_the_same_number_written_otherwise_is_the_same_log_in(bench: Bench) -> None:
    assert bench.ask().state == bench.ask(numbers=("0049 170 / 123 45 67",)).state


@pytest.mark.parametrize("numbers", [(), ("",), ("none",), ("0170 1234567",), ("x", "y")])
def test_without_a_usable_number_nobody_is_asked(bench: Bench, numbers: tuple[str, ...]) -> None:
    refused = bench.login.first_leg(request(numbers=numbers))

    assert refused == Reject("No code can be sent to you. Ask your administrator.")
    assert bench.outbox.messages == []


def test_an_unusable_number_is_not_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.login.first_leg(request(numbers=("0170 7654321",)))

    assert "7654321" not in caplog.text
    assert "users.default_region" in caplog.text


def test_the_first_usable_number_counts(bench: Bench) -> None:
    bench.ask(numbers=("none", "+491701111111", NUMBER))

    assert bench.outbox.messages[0].number.e164 == "+491701111111"


@pytest.mark.parametrize(
    "refusal", [QueueFull("full"), NoRoute("none"), NoGatewayAlive("dead"), AnotherReason("spent")]
)
def test_what_cannot_be_sent_is_refused_before_anything_is_kept(bench: Bench, refusal: Exception) -> None:
    bench.outbox.refusal = refusal
    refused = bench.login.first_leg(request())
    bench.outbox.refusal = None

    assert refused == Reject("No code can be sent at present. Try again later.")
    bench.ask()
    assert len(bench.outbox.messages) == 1


@pytest.mark.parametrize(
    "refusal", [QueueFull("full"), NoRoute("none"), NoGatewayAlive("dead"), AnotherReason("spent")]
)
def test_the_same_log_in_keeps_its_challenge_while_nothing_can_be_sent(
    bench: Bench, refusal: Exception
) -> None:
    first = bench.ask()
    bench.outbox.refusal = refusal

    assert bench.login.first_leg(request()) == first


def test_a_wrong_code_is_asked_for_again(bench: Bench) -> None:
    asked = bench.ask()
    bench.clock.advance(10)

    again = bench.login.answer_leg(answer(asked.state, "wrong"))

    assert again == Ask(asked.state, "Wrong code. Enter the code sent to +49 *** **67", 290)


def test_the_last_wrong_code_ends_it(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 2})
    asked = bench.ask()
    bench.login.answer_leg(answer(asked.state, "wrong"))

    for typed in ("wrong", bench.code()):
        ended = bench.login.answer_leg(answer(asked.state, typed))
        assert ended == Reject("Too many wrong codes. Log in again to get a new one.")


def test_where_a_wrong_code_ends_the_log_in_the_challenge_is_over(make: Callable[..., Bench]) -> None:
    bench = make(challenge={"on_wrong_code": "reject"})
    asked = bench.ask()

    for typed in ("wrong", bench.code()):
        ended = bench.login.answer_leg(answer(asked.state, typed))
        assert ended == Reject("Wrong code. Log in again to get a new one.")
    assert bench.ask().state != asked.state
    assert len(bench.outbox.messages) == 2


def test_a_code_is_good_until_it_expires_and_once(bench: Bench) -> None:
    asked, code = bench.ask(), bench.code()
    late = bench.ask(client="desk")
    late_code = bench.code()
    bench.clock.advance(299.9)
    accepted = bench.login.answer_leg(answer(asked.state, code))
    bench.clock.advance(0.1)

    over = Reject("The code is no longer valid. Log in again to get a new one.")
    assert accepted == Accept()
    assert bench.login.answer_leg(answer(asked.state, code)) == over
    assert bench.login.answer_leg(answer(late.state, late_code)) == over


@pytest.mark.parametrize("state", ["", "0" * 32, "x", "\x00"])
def test_a_state_that_is_not_ours_is_somebody_elses_business(bench: Bench, state: str) -> None:
    bench.ask()

    assert bench.login.answer_leg(answer(state, bench.code())) == NotOurs()


def test_the_state_of_another_user_is_not_ours(bench: Bench) -> None:
    asked = bench.ask()

    assert bench.login.answer_leg(answer(asked.state, bench.code(), user="alice")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_the_state_of_another_site_is_not_ours_and_uses_up_no_try(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 1})
    asked = bench.ask()

    assert bench.login.answer_leg(answer(asked.state, bench.code(), site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, "resend", site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, "wrong", site="other")) == NotOurs()
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_an_answer_without_a_password_is_rejected(bench: Bench) -> None:
    assert bench.login.answer_leg(request(state=bench.ask().state, password=None)) == Reject("")


@pytest.mark.parametrize("state", ["", "0" * 32])
def test_a_state_that_is_not_ours_makes_no_difference_without_a_password(bench: Bench, state: str) -> None:
    assert bench.login.answer_leg(request(state=state, password=None)) == NotOurs()


def test_a_code_is_told_from_a_password_by_the_state(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    asked = bench.ask()
    caplog.clear()

    assert bench.login.is_answer(answer(asked.state, "anything"))
    assert not bench.login.is_answer(request(state=None))
    assert not bench.login.is_answer(answer("\x00" * 16, "anything"))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("state", "changes", "reason"),
    [
        ("0" * 32, {}, "was made with another key, at another site or by another server"),
        (None, {"site": "other"}, "was made with another key, at another site or by another server"),
        (None, {"user": "alice"}, "is of another user's challenge, or of one that was over long ago"),
    ],
)
def test_a_state_that_looks_like_ours_and_is_not_is_told_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture, state: str | None, changes: dict[str, str], reason: str
) -> None:
    asked = bench.ask()
    caplog.clear()

    assert not bench.login.is_answer(answer(state or asked.state, "anything", **changes))
    assert [reason in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("typed", ["000000", "000 000", "\uff10" * 6])
def test_an_answer_is_one_call_of_the_store_whatever_comes_of_it(bench: Bench, typed: str) -> None:
    asked, right = bench.ask(), bench.code()
    bench.store.asked = tuple[str, ...]()

    for each in (typed, right, right):
        bench.login.is_answer(answer(asked.state, each))
        bench.login.answer_leg(answer(asked.state, each))

    assert bench.store.asked == ("answer",) * 3


@pytest.mark.parametrize("typed", ["hello", "00000", "0000000", "00000a", "0000\u00e9"])
def test_what_can_be_no_code_is_a_password_once_the_store_has_lost_the_challenge(
    bench: Bench, typed: str
) -> None:
    asked = bench.ask()
    assert bench.login.is_answer(answer(asked.state, typed))
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY + 1)
    bench.store.tidy(bench.clock.time())
    bench.clock.set_by(-300 - KEPT_AFTER_EXPIRY - 1)

    assert not bench.login.is_answer(answer(asked.state, typed))


@pytest.mark.parametrize("typed", ["000000", "resend", ""])
def test_an_answer_to_a_challenge_that_the_store_has_lost_is_told_in_the_log(
    bench: Bench, typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = bench.ask()
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY + 1)
    bench.store.tidy(bench.clock.time())
    bench.clock.set_by(-300 - KEPT_AFTER_EXPIRY - 1)
    caplog.clear()

    assert bench.login.is_answer(answer(asked.state, typed))
    assert bench.login.answer_leg(answer(asked.state, typed)) == NotOurs()
    assert ["of a challenge that the store does not hold" in line for line in caplog.messages].count(
        True
    ) == 1


def test_an_answer_long_after_the_end_is_a_first_leg_whatever_it_is(bench: Bench) -> None:
    asked, code = bench.ask(), bench.code()
    bench.clock.advance(300 + KEPT_AFTER_EXPIRY)
    assert bench.login.is_answer(answer(asked.state, code))
    bench.clock.advance(1)
    bench.store.tidy(bench.clock.time())

    assert not bench.login.is_answer(answer(asked.state, code))


def test_an_answer_stays_one_while_the_store_is_gone(bench: Bench) -> None:
    asked = bench.ask()
    bench.store.broken = "find"

    assert bench.login.is_answer(answer(asked.state, "anything"))


@pytest.mark.parametrize("where", ["open", "answer", "find"])
def test_a_store_that_is_gone_lets_nobody_in(
    bench: Bench, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked, code = bench.ask(), bench.code()
    bench.store.broken = where

    legs: dict[str, Callable[[], object]] = {
        "open": lambda: bench.login.first_leg(request(user="alice")),
        "answer": lambda: bench.login.answer_leg(answer(asked.state, code)),
        "find": lambda: bench.login.answer_leg(answer(asked.state, "resend")),
    }
    refused = legs[where]()

    assert refused == Reject("No code can be sent at present. Try again later.")
    assert "the store is gone" in caplog.text


@pytest.mark.parametrize(
    "typed",
    [
        *("resend", " ReSend ", "re send", "re-send", "\uff52\uff45\uff53\uff45\uff4e\uff44", "resend.\r\n"),
        *("", "  ", "\u200b", "-", "\t\r\n", "\u202a\u202c"),
    ],
)
def test_the_same_code_is_sent_again_through_the_next_gateway(bench: Bench, typed: str) -> None:
    asked, code = bench.ask(), bench.code()
    bench.clock.advance(30)

    again = bench.login.answer_leg(answer(asked.state, typed))

    assert again == Ask(asked.state, "Enter the code sent to +49 *** **67", 270)
    assert bench.code() == code
    assert bench.outbox.gateways == [("first", "second"), ("second", "first")]
    assert bench.login.answer_leg(answer(asked.state, code)) == Accept()


def test_a_wish_that_comes_too_early_is_told_to_wait_and_is_no_try(make: Callable[..., Bench]) -> None:
    bench = make(otp={"max_attempts": 1})
    asked = bench.ask()
    bench.clock.advance(10)

    told = bench.login.answer_leg(answer(asked.state, "resend"))

    assert isinstance(told, Ask)
    assert "in 20 s" in told.prompt
    assert len(bench.outbox.messages) == 1
    assert bench.login.answer_leg(answer(asked.state, bench.code())) == Accept()


def test_wishes_are_limited(bench: Bench) -> None:
    asked = bench.ask()
    told: list[object] = []
    for _ in range(3):
        bench.clock.advance(30)
        told.append(bench.login.answer_leg(answer(asked.state, "resend")))

    assert told[-1] == Ask(
        asked.state, "No further SMS can be sent. Enter the code sent to +49 *** **67", 210
    )
    assert len(bench.outbox.messages) == 3


@pytest.mark.parametrize("other", [{"user": "alice"}, {"state": "0" * 32}])
def test_nobody_has_anothers_code_sent_again(bench: Bench, other: dict[str, str]) -> None:
    asked = bench.ask()
    bench.clock.advance(30)
    wish = {"user": "bob", "state": asked.state} | other

    assert bench.login.answer_leg(request(password=SecretStr("resend"), **wish)) == NotOurs()
    assert len(bench.outbox.messages) == 1


def test_a_code_is_not_sent_again_to_another_number(bench: Bench) -> None:
    asked = bench.ask()
    bench.clock.advance(30)

    told = bench.login.answer_leg(answer(asked.state, "resend", numbers=("+491701111111",)))

    assert told == Reject("The code is no longer valid. Log in again to get a new one.")
    assert len(bench.outbox.messages) == 1


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT])
def test_a_code_that_did_not_get_out_is_told_and_the_next_log_in_gets_a_new_one(
    bench: Bench, outcome: Outcome
) -> None:
    bench.outbox.outcome = outcome
    asked = bench.ask()
    told = bench.login.answer_leg(answer(asked.state, "000000"))
    bench.outbox.outcome = None

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")
    assert bench.ask().state != asked.state


@pytest.mark.parametrize("typed", ["000000", "resend", ""])
@pytest.mark.parametrize(
    "sections", [{}, {"challenge": {"on_wrong_code": "reject"}}, {"otp": {"max_attempts": 1}}]
)
def test_whatever_is_answered_where_no_sms_got_out_is_rejected_with_the_reason(
    make: Callable[..., Bench], sections: dict[str, Any], typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench = make(**sections)
    bench.outbox.outcome = Outcome.NOT_SENT
    asked = bench.ask()
    bench.clock.advance(40)

    told = [bench.login.answer_leg(answer(asked.state, typed)) for _ in range(2)]

    assert set(told) == {Reject("The SMS with the code could not be delivered. Ask your administrator.")}
    assert len(bench.outbox.messages) == 1
    said = "rejected, because no SMS with the code got out (not sent)"
    assert caplog.text.count(f"answers challenge {bench.outbox.messages[0].reference}: {said}") == 1
    assert "tries left" not in caplog.text
    assert [event.detail for event in bench.trace() if event.kind is EventKind.ANSWERED] == [said]


def test_an_answer_to_an_sms_that_did_not_get_out_is_told_so_even_when_the_code_is_too_old(
    bench: Bench,
) -> None:
    bench.outbox.outcome = Outcome.REFUSED
    asked = bench.ask()
    bench.clock.advance(301)

    told = bench.login.answer_leg(answer(asked.state, "000000"))

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")


@pytest.mark.parametrize(
    ("refusal", "numbers", "number"),
    [
        (None, (), ""),
        (None, ("none",), ""),
        (NoGatewayAlive("no gateway of route x is alive"), (NUMBER,), "+49 *** **67"),
        (NoRoute("no route fits"), (NUMBER,), "+49 *** **67"),
        (QueueFull("2 messages are on their way already"), (NUMBER,), "+49 *** **67"),
    ],
)
def test_a_log_in_that_is_refused_before_any_sms_is_found_by_a_trace_in_the_words_of_the_log(
    bench: Bench,
    refusal: Exception | None,
    numbers: tuple[str, ...],
    number: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench.outbox.refusal = refusal
    bench.login.first_leg(request(numbers=numbers))
    (event,) = bench.trace()

    assert (event.kind, event.user, event.number) == (EventKind.REJECTED, "bob", number)
    assert re.search(r'user "bob":? ' + re.escape(describe(event)), caplog.text)
    assert str(refusal or "telephone number") in event.detail


@pytest.mark.parametrize("refusal", [NoRoute("none"), AnotherReason("spent")])
def test_a_wish_for_another_sms_that_cannot_be_sent_is_rejected_and_uses_up_nothing(
    bench: Bench, refusal: Exception
) -> None:
    asked = bench.ask()
    bench.clock.advance(60)
    bench.outbox.refusal = refusal
    refused = bench.login.answer_leg(answer(asked.state, "resend"))

    assert refused == Reject("No code can be sent at present. Try again later.")
    assert bench.store.find(asked.state, "bob").resends == 0


def test_at_debug_level_the_log_has_every_step_and_no_secret(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asked = bench.ask()
    for typed in ("123", "resend", bench.code()):
        bench.login.answer_leg(answer(asked.state, typed))
    bench.login.answer_leg(answer("0" * 32, "secret guess"))
    steps = [
        'the first factor was right; client "vpn", station "192.0.2.7", site "default", numbers: 1',
        'number "+49 *** **67", route "default" because "it has no conditions": "first, second"',
        f"challenge {bench.outbox.messages[0].reference} is open for 300 s",
        "an answer of 3 characters",
        "another SMS is asked for",
        "an answer of 6 characters",
        'the State is none that was made for site "default"',
    ]

    logged = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert logged == [f'user "bob": {step}' for step in steps]
    assert [
        secret
        for secret in (bench.code(), "hello", "guess", NUMBER[1:], asked.state)
        if secret in caplog.text
    ] == []


def test_the_same_log_in_again_is_a_step_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    bench.ask()
    bench.ask()

    assert "the same log-in again, no second SMS" in caplog.text


@pytest.mark.parametrize(
    ("text", "tries", "wait", "typed"),
    [
        ("too_many_attempts_text", 1, 0, "000000"),
        ("expired_text", 5, 300, "000000"),
        ("expired_text", 5, 300, "resend"),
    ],
)
def test_a_rejection_can_name_the_log_in_for_the_help_desk(
    make: Callable[..., Bench], text: str, tries: int, wait: float, typed: str
) -> None:
    bench = make(otp={"max_attempts": tries}, challenge={text: "Call us about {reference}."})
    asked = bench.ask()
    bench.clock.advance(wait)

    told = bench.login.answer_leg(answer(asked.state, typed))

    assert told == Reject(f"Call us about {bench.outbox.messages[0].reference}.")


@pytest.mark.parametrize("wait", [0, 0.5])
def test_an_sms_that_did_not_get_out_can_be_named_for_the_help_desk(
    make: Callable[..., Bench], wait: float
) -> None:
    bench = make(dispatch={"wait": wait}, challenge={"undelivered_text": "Call us about {reference}."})
    bench.outbox.outcome = Outcome.REFUSED

    first = bench.login.first_leg(request())
    told = bench.login.answer_leg(answer(first.state, "000000")) if isinstance(first, Ask) else first

    assert told == Reject(f"Call us about {bench.outbox.messages[0].reference}.")


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.UNKNOWN])
def test_a_code_that_may_have_got_out_is_waited_for(bench: Bench, outcome: Outcome) -> None:
    bench.outbox.outcome = outcome
    asked = bench.ask()

    assert isinstance(bench.login.answer_leg(answer(asked.state, "wrong")), Ask)
    assert bench.ask().state == asked.state


def test_a_site_that_waits_tells_at_once_that_nothing_was_delivered(make: Callable[..., Bench]) -> None:
    bench = make(dispatch={"wait": 0.5})
    bench.outbox.outcome = Outcome.REFUSED

    told = bench.login.first_leg(request())

    assert told == Reject("The SMS with the code could not be delivered. Ask your administrator.")


def test_no_secret_is_logged_or_shown(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked = bench.ask()
    code = bench.code()
    bench.login.answer_leg(answer(asked.state, "my-guess"))
    bench.login.answer_leg(answer(asked.state, code))
    shown = caplog.text + repr(
        (asked, bench.outbox.messages, request(), bench.store.find(asked.state, "bob"))
    )

    assert [secret for secret in (code, "hello", "my-guess", NUMBER, NUMBER[1:]) if secret in shown] == []


def test_a_name_cannot_write_lines_into_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.ask(user="bob\nroot: accepted\x1b[2J" + "x" * 300)
    bench.login.first_leg(request(user="bob\nroot", numbers=()))

    assert all(
        "\n" not in record.getMessage() and "\x1b" not in record.getMessage() for record in caplog.records
    )
    assert all(len(record.getMessage()) < 400 for record in caplog.records)


def test_a_known_place_has_sms_of_its_own_also_where_only_the_store_knows_that_the_others_are_spent(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits={"per_user": ["3/d"], "per_number": ["3/d"]})
    at_home = {"station": "home"}
    begun = bench.ask(**at_home)
    assert bench.login.answer_leg(answer(begun.state, bench.code(), **at_home)) == Accept()
    stolen = bench.ask(station="stolen")
    bench.clock.advance(40)
    # As one does that shares Redis with others: what they have spent is known when it decides, and not before.
    vars(bench.store)["over_budget"] = lambda _: None
    assert isinstance(bench.login.answer_leg(answer(stolen.state, "resend", station="stolen")), Ask)
    again = bench.ask(**at_home)
    bench.clock.advance(40)
    resent = bench.login.answer_leg(answer(again.state, "resend", **at_home))

    assert isinstance(bench.login.first_leg(request(station="stolen once more")), Reject)
    assert isinstance(resent, Ask)
    assert resent.prompt == again.prompt
    assert len(bench.outbox.messages) == 5
    assert bench.login.answer_leg(answer(again.state, bench.code(), **at_home)) == Accept()


def test_whoever_has_a_password_uses_up_the_sms_of_strangers_and_not_those_of_a_known_station(
    make: Callable[..., Bench],
) -> None:
    bench = make(limits={"per_user": ["3/d"], "per_number": ["3/d"]}, challenge={"resend_after": 0})
    at_home = {"station": "home"}
    begun = bench.ask(**at_home)
    assert bench.login.answer_leg(answer(begun.state, bench.code(), **at_home)) == Accept()
    stolen = [bench.login.first_leg(request(station=f"stolen {count}")) for count in range(5)]
    for _ in range(3):
        again = bench.ask(**at_home)
        assert bench.login.answer_leg(answer(again.state, bench.code(), **at_home)) == Accept()

    assert [isinstance(decision, Ask) for decision in stolen] == [True, True, False, False, False]
    assert isinstance(bench.login.first_leg(request(**at_home)), Reject)
    assert len(bench.outbox.messages) == 6
