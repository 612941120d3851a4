"""The HTTP provider: what it sends."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.errors import (
    BadMessage,
)
from tests.support.http_provider import NUMBER, body, compose, query, write


def test_get_sends_the_options_in_the_query_beside_what_is_there() -> None:
    request = compose(URL="https://g.example/send?key=1", options={"to": "{phone}", "text": "Code {otp}!"})

    assert (request.url or "").startswith("https://g.example:443/send?key=1&")
    assert query(request) == {"key": "1", "to": NUMBER, "text": "Code 123456!"}
    assert request.body is None


def test_post_sends_a_form() -> None:
    request = compose(HTTP_METHOD="post", PARAMETER={"id": 7}, options={"text": "{otp} ü&=+%"})

    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.url == "http://gateway.example:80/send"
    assert dict(parse_qsl(write(request))) == {"id": "7", "text": "123456 ü&=+%"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_form_is_written_as_urlencode_writes_it(code: str) -> None:
    request = compose(code, HTTP_METHOD="POST", options={"text {": "{otp}", "a": ["1", "b c"]})

    assert (request.body or b"") == urlencode([("text {", code), ("a", "1"), ("a", "b c")]).encode()


@pytest.mark.parametrize("code", ["123456", "012345", "true", "1e5", "NaN", "null", '"', "\\", "a\nb", "[1]"])
def test_a_code_stays_a_text_in_json(code: str) -> None:
    request = compose(code, HTTP_METHOD="POST", SEND_DATA_AS_JSON="yes", options={"text": "{otp}"})

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

    request = compose("7", HTTP_METHOD="POST", SEND_DATA_AS_JSON=True, options=options)

    assert body(request) == {
        "to": [NUMBER],
        "n": 1,
        "f": 1.5,
        "b": True,
        "t": {"text": "7", "list": [{"a": "7"}]},
    }


def test_a_form_writes_types_as_texts_and_lists_as_repeated_names() -> None:
    request = compose(options={"n": 1, "b": False, "to": ["{phone}", "x"]})

    assert urlsplit(request.url).query == "n=1&b=false&to=%2B4917012345678&to=x"


def test_a_text_that_holds_a_tag_is_not_filled_again() -> None:
    assert query(compose("{phone} {otp}", options={"text": "{otp}"})) == {"text": "{phone} {otp}"}


def test_a_secret_from_the_environment_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "a{otp}b")

    request = compose(options={"key": {"env": "GATEWAY_KEY"}}, headers={"X-Key": {"env": "GATEWAY_KEY"}})

    assert query(request) == {"key": "a{otp}b"}
    assert request.headers["X-Key"] == "a{otp}b"


def test_tags_in_the_url_are_filled_and_cannot_leave_their_place() -> None:
    request = compose("a/../b?c&d#e", URL="https://g.example/{phone}/send?text={otp}&x={y}")

    assert request.url == "https://g.example:443/%2B4917012345678/send?text=a%2F..%2Fb%3Fc%26d%23e&x=%7By%7D"


def test_headers_are_filled_and_win_over_ours() -> None:
    request = compose(headers={"user-agent": "mine", "X-To": "{phone}"})

    assert request.headers["X-To"] == NUMBER
    assert [value for name, value in request.headers.items() if name.lower() == "user-agent"] == ["mine"]


@pytest.mark.parametrize("text", ["a\r\nX-Evil: b", "a\nb", "a\0b", "ä", "\x7f"])
def test_a_text_that_a_header_cannot_carry_is_refused(text: str) -> None:
    with pytest.raises(BadMessage, match="X-Text"):
        compose(text, headers={"X-Text": "{otp}"})


def test_username_and_password_are_basic_authentication() -> None:
    request = compose(USERNAME="me", PASSWORD="pä:ss")

    assert request.headers["Authorization"] == "Basic bWU6cMOkOnNz"


def test_the_number_is_rewritten() -> None:
    options = {"to": "{phone}"}

    assert query(compose(NUMBER_FORMAT="zeros", options=options)) == {"to": "004917012345678"}
    assert query(compose(REGEXP=r"/^\+49/0/", options=options)) == {"to": "017012345678"}


@given(text=st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_text_arrives_whole_and_alone(text: str) -> None:
    options = {"to": "{phone}", "text": "{otp}"}

    assert query(compose(text, options=options)) == {"to": NUMBER, "text": text}
    assert body(compose(text, HTTP_METHOD="POST", SEND_DATA_AS_JSON=True, options=options))["text"] == text
