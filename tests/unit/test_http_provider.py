"""How the provider ``http`` writes a message and reads an answer; no network."""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.http import HttpProvider, HttpSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.http.client import HttpAnswer, HttpRequest

NUMBER = "+4917012345678"
NOW = 1_800_000_000.0


class FixedClock(SystemClock):
    """Wall time stands still."""

    def time(self) -> float:
        return NOW


def provider(**settings: Any) -> HttpProvider:
    given = {"provider": "http", "URL": "http://gateway.example/send", **settings}
    return HttpProvider(GatewayContext("g", FixedClock()), HttpSettings.model_validate(given))


def sms(otp: str = "123456") -> Message:
    return Message(
        reference="ref",
        user="bob",
        number=parse_number(NUMBER, None),
        otp=SecretStr(otp),
        sentence=SecretStr(f"Your code is {otp}"),
        expires=NOW + 300,
    )


def composed(otp: str = "123456", **settings: Any) -> HttpRequest:
    return provider(**settings).compose(sms(otp))


def query(request: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True))


def body(request: HttpRequest) -> Any:
    assert request.body is not None
    return json.loads(request.body)


def answer(status: int = 200, text: str = "OK", headers: Mapping[str, str] | None = None) -> HttpAnswer:
    return HttpAnswer(status, headers or {}, text.encode())


def test_get_sends_the_options_in_the_query_beside_what_is_there() -> None:
    request = composed(URL="https://g.example/send?key=1", options={"to": "{phone}", "text": "Code {otp}!"})

    assert request.target.startswith("/send?key=1&")
    assert query(request) == {"key": "1", "to": NUMBER, "text": "Code 123456!"}
    assert request.body is None


def test_post_sends_a_form() -> None:
    request = composed(HTTP_METHOD="post", PARAMETER={"id": 7}, options={"text": "{otp} ü&=+%"})

    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.target == "/send"
    assert dict(parse_qsl((request.body or b"").decode())) == {"id": "7", "text": "123456 ü&=+%"}


@pytest.mark.parametrize("code", ["123456", "012345", "true", "1e5", "NaN", "null", '"', "\\", "a\nb", "[1]"])
def test_a_code_stays_a_text_in_json(code: str) -> None:
    request = composed(code, HTTP_METHOD="POST", SEND_DATA_AS_JSON="yes", options={"text": "{otp}"})

    assert body(request) == {"text": code}
    assert request.headers["Content-Type"] == "application/json"


def test_json_keeps_the_types_of_the_configuration() -> None:
    options = {
        "to": ["{phone}"],
        "n": 1,
        "f": 1.5,
        "b": True,
        "t": {"text": "{otp}", "list": [{"a": "{otp}"}]},
    }

    request = composed("7", HTTP_METHOD="POST", SEND_DATA_AS_JSON=True, options=options)

    assert body(request) == {
        "to": [NUMBER],
        "n": 1,
        "f": 1.5,
        "b": True,
        "t": {"text": "7", "list": [{"a": "7"}]},
    }


def test_a_form_writes_types_as_texts_and_lists_as_repeated_names() -> None:
    request = composed(options={"n": 1, "b": False, "to": ["{phone}", "x"]})

    assert urlsplit(request.target).query == "n=1&b=false&to=%2B4917012345678&to=x"


def test_a_text_that_holds_a_tag_is_not_filled_again() -> None:
    assert query(composed("{phone} {otp}", options={"text": "{otp}"})) == {"text": "{phone} {otp}"}


def test_a_secret_from_the_environment_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "a{otp}b")

    request = composed(options={"key": {"env": "GATEWAY_KEY"}}, headers={"X-Key": {"env": "GATEWAY_KEY"}})

    assert query(request) == {"key": "a{otp}b"}
    assert request.headers["X-Key"] == "a{otp}b"


def test_tags_in_the_url_are_filled_and_cannot_leave_their_place() -> None:
    request = composed("a/../b?c&d#e", URL="https://g.example/{phone}/send?text={otp}&x={y}")

    assert request.target == "/%2B4917012345678/send?text=a%2F..%2Fb%3Fc%26d%23e&x=%7By%7D"


def test_headers_are_filled_and_win_over_ours() -> None:
    request = composed(headers={"user-agent": "mine", "X-To": "{phone}"})

    assert request.headers["X-To"] == NUMBER
    assert request.headers["user-agent"] == "mine"
    assert "User-Agent" not in request.headers


@pytest.mark.parametrize("text", ["a\r\nX-Evil: b", "a\nb", "a\0b", "ä", "\x7f"])
def test_a_text_that_a_header_cannot_carry_is_refused(text: str) -> None:
    with pytest.raises(BadMessage, match="X-Text"):
        composed(text, headers={"X-Text": "{otp}"})


def test_username_and_password_are_basic_authentication() -> None:
    request = composed(USERNAME="me", PASSWORD="pä:ss")

    assert request.headers["Authorization"] == "Basic bWU6cMOkOnNz"


def test_the_number_is_rewritten() -> None:
    options = {"to": "{phone}"}

    assert query(composed(NUMBER_FORMAT="zeros", options=options)) == {"to": "004917012345678"}
    assert query(composed(REGEXP=r"/^\+49/0/", options=options)) == {"to": "017012345678"}


@given(text=st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_text_arrives_whole_and_alone(text: str) -> None:
    options = {"to": "{phone}", "text": "{otp}"}

    assert query(composed(text, options=options)) == {"to": NUMBER, "text": text}
    assert body(composed(text, HTTP_METHOD="POST", SEND_DATA_AS_JSON=True, options=options))["text"] == text


@pytest.mark.parametrize("status", [200, 201, 202])
def test_without_texts_the_status_decides(status: int) -> None:
    assert provider().judge(answer(status)) == Receipt()


def test_return_success_must_be_in_the_answer() -> None:
    gateway = provider(RETURN_SUCCESS="sent")

    assert gateway.judge(answer(text="message sent.")) == Receipt()
    with pytest.raises(Refused, match="RETURN_SUCCESS"):
        gateway.judge(answer(text="message refused for 123456"))
    with pytest.raises(ProtocolViolation):
        gateway.judge(answer(text=" \n"))


def test_return_fail_must_not_be_in_the_answer() -> None:
    gateway = provider(RETURN_FAIL="ERR")

    assert gateway.judge(answer(text="fine")) == Receipt()
    with pytest.raises(Refused, match="RETURN_FAIL"):
        gateway.judge(answer(text="ERR 5"))


def test_with_both_texts_a_failure_wins() -> None:
    gateway = provider(RETURN_SUCCESS="queued", RETURN_FAIL="REJECTED")

    with pytest.raises(Refused):
        gateway.judge(answer(text="queued, REJECTED"))


def test_return_status_can_be_widened() -> None:
    assert provider(RETURN_STATUS=[204]).judge(answer(204, "")) == Receipt()
    with pytest.raises(Unknown, match="RETURN_STATUS"):
        provider().judge(answer(204, ""))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, GatewayUnavailable), (302, GatewayUnavailable), (400, Refused), (401, AuthFailed), (402, CreditExhausted),
        (403, AuthFailed), (404, Refused), (407, AuthFailed), (408, Unknown), (429, Throttled), (500, Unknown),
        (502, Unknown), (503, GatewayUnavailable), (504, Unknown), (999, Unknown), (206, Unknown),
    ],
)  # fmt: skip
def test_each_status_has_one_meaning(status: int, error: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as caught:
        provider(RETURN_SUCCESS="OK").judge(answer(status))

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("99999999999999999999", 3600.0), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2021 08:00:30 GMT", 0.0), ("soon", None), ("-1", None), ("", None), ("²", None),
        ("Mon, 99 Foo 99999 99:99:99", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_both_forms_and_bounded(
    status: int, value: str, seconds: float | None
) -> None:
    with pytest.raises((Throttled, GatewayUnavailable)) as caught:
        provider().judge(answer(status, headers={"retry-after": value}))

    assert caught.value.retry_after == seconds


def test_the_answer_is_not_repeated_in_errors() -> None:
    with pytest.raises(Refused) as caught:
        provider(RETURN_SUCCESS="OK").judge(answer(text=f"cannot send 123456 to {NUMBER}"))

    assert "123456" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ü"), ("text/plain", b"\xc3\xbc", "ü"), ("", b"\xfc", "\ufffd"),
        ("text/plain; charset=zlib", b"a", "a"),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_its_charset(kind: str, raw: bytes, text: str) -> None:
    assert HttpAnswer(200, {"content-type": kind}, raw).text() == text


@given(raw=st.binary(max_size=300), status=st.integers(100, 999))
@pytest.mark.parametrize(
    "settings", [{"RETURN_SUCCESS": "OK"}, {"URL": "http://127.0.0.1/2010-04-01/Accounts/A/Messages"}]
)
def test_any_answer_is_a_receipt_or_one_of_our_errors(
    settings: dict[str, Any], raw: bytes, status: int
) -> None:
    with suppress(DeliveryError):
        assert isinstance(provider(**settings).judge(HttpAnswer(status, {}, raw)), Receipt)


@pytest.mark.shows_secrets
def test_only_the_debug_level_writes_codes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    provider().compose(sms("424242"))
    assert "424242" not in caplog.text

    provider(LOG_LEVEL="debug").compose(sms("424242"))
    assert "424242" in caplog.text
