"""The flow, without RADIUS: what becomes of a first leg and of an answer."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from smsotp_plugin.errors import NoGatewayAlive, NoRoute, QueueFull
from smsotp_plugin.login.decisions import Accept, Ask, Reject
from smsotp_plugin.stores.delivery_log import EventKind, describe
from tests.support.login_bench import NUMBER, AnotherReason, Bench, answer, bench, make, request

__all__ = ["bench", "make"]


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
    [
        *(("de", "Ihr Code: "), ("de-at", "Ihr Code: "), ("de-ch-1996", "Ihr Code: "), ("pt-br", "Seu ")),
        *(("pt-br-abl1943", "Seu "), ("pt", "Code "), ("", "Code ")),
    ],
)
def test_the_text_is_in_the_users_language_where_there_is_one(
    make: Callable[..., Bench], language: str, text: str
) -> None:
    texts = {"de": "Ihr Code: {otp}", "pt-BR": "Seu {otp}"}
    bench = make(otp={"text": "Code {otp}", "texts": texts}, challenge={"resend_after": 0})

    asked = bench.ask(language=language)
    bench.login.answer_leg(answer(asked.state, "resend", language=language))
    bench.store.flush()

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
        'the State was not made for site "default"',
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


@pytest.mark.parametrize("clients", [1, 4])
def test_more_known_clients_that_send_no_station_mean_no_more_sms_for_whoever_has_the_password(
    make: Callable[..., Bench], clients: int
) -> None:
    bench = make(limits={"per_user": ["6/d"], "per_number": ["6/d"]})
    places = [{"station": "", "client": f"vpn {number}"} for number in range(clients)]
    for place in places:
        begun = bench.ask(**place)
        assert bench.login.answer_leg(answer(begun.state, bench.code(), **place)) == Accept()
    for _ in range(12):
        bench.clock.advance(40)
        for place in (*places, {"station": "stolen"}):
            bench.login.first_leg(request(**place))
            # Else a later SMS of the same log-in may take its place.
            bench.store.flush()

    assert len(bench.outbox.messages) == 2 * 6
