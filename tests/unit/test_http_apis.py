"""The known HTTP APIs: recognised by URL, their errors and their wishes; no network."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.http import HttpProvider
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.http.client import make_response

Settings = dict[str, Any]

CLICKATELL: Settings = {
    "URL": "http://api.clickatell.com/http/sendmsg",
    "HTTP_METHOD": "GET",
    "RETURN_SUCCESS": "ID",
    "options": {
        "user": "YOU",
        "password": "x",
        "api_id": "1",
        "text": "Your OTP value is {otp}",
        "to": "{phone}",
    },
}
GTX: Settings = {
    "URL": "https://http.gtx-messaging.net/smsc.php",
    "HTTP_METHOD": "GET",
    "CHECK_SSL": "yes",
    "RETURN_SUCCESS": "200 OK",
    "options": {"user": "YOU", "pass": "x", "to": "{phone}", "text": "Your OTP value is {otp}."},
}
TWILIO: Settings = {
    "URL": "https://api.twilio.com/2010-04-01/Accounts/B8/Messages",
    "HTTP_METHOD": "POST",
    "USERNAME": "B8",
    "PASSWORD": "x",
    "options": {"From": "+15005550006", "Body": "{otp}", "To": "{phone}"},
}
PRESETS: dict[str, Settings] = {
    "clickatell": {"preset": "clickatell", "USERNAME": "YOU", "PASSWORD": "x", "options": {"api_id": 1}},
    "gtx": {"preset": "gtx", "USERNAME": "YOU", "PASSWORD": "x"},
    "twilio": {"preset": "twilio", "USERNAME": "B8", "PASSWORD": "x", "options": {"From": "+15005550006"}},
}


def provider(settings: Settings) -> HttpProvider:
    given = {"provider": "http", **settings}
    return HttpProvider(GatewayContext("g", SystemClock()), HttpSettings.model_validate(given))


def sent(settings: Settings, otp: str = "123456") -> dict[str, str]:
    """Return the parameters of the request for one message."""
    message = Message(
        reference="ref",
        user="bob",
        number=parse_number("+4917012345678", None),
        otp=SecretStr(otp),
        sentence=SecretStr(f"Code: {otp}"),
        expires=0,
    )
    request = provider(settings).compose(message)
    written = request.body or urlsplit(request.url or "").query
    text = written.decode() if isinstance(written, bytes) else written
    return dict(parse_qsl(text, strict_parsing=True))


def judge(settings: Settings, status: int, text: str) -> Receipt | type[DeliveryError]:
    try:
        return provider(settings).judge(make_response(status, {}, text.encode()))
    except DeliveryError as exc:
        return type(exc)


@pytest.mark.parametrize(
    ("settings", "name", "number"),
    [(CLICKATELL, "to", "4917012345678"), (GTX, "to", "4917012345678"), (TWILIO, "To", "+4917012345678")],
)
def test_the_number_has_the_form_that_the_api_wants(settings: Settings, name: str, number: str) -> None:
    assert sent(settings)[name] == number


@pytest.mark.parametrize("settings", [CLICKATELL, GTX, TWILIO])
def test_a_mock_on_loopback_is_recognised_by_its_path(settings: Settings) -> None:
    url = f"http://127.0.0.1:8080{urlsplit(settings['URL']).path}"

    assert provider({**settings, "URL": url}).number_format == provider(settings).number_format


def test_a_request_is_exactly_as_documented() -> None:
    assert sent(CLICKATELL) == {
        "user": "YOU", "password": "x", "api_id": "1", "to": "4917012345678", "text": "Your OTP value is 123456",
    }  # fmt: skip
    assert sent(GTX) == {
        "user": "YOU", "pass": "x", "to": "4917012345678", "text": "Your OTP value is 123456.",
    }  # fmt: skip
    assert sent(TWILIO) == {"From": "+15005550006", "Body": "123456", "To": "+4917012345678"}


def test_a_preset_sends_the_same_parameters_with_the_whole_sentence() -> None:
    assert sent(PRESETS["clickatell"]) == {
        "user": "YOU", "password": "x", "api_id": "1", "to": "4917012345678", "text": "Code: 123456",
    }  # fmt: skip
    assert sent(PRESETS["gtx"]) == {"user": "YOU", "pass": "x", "to": "4917012345678", "text": "Code: 123456"}
    assert sent(PRESETS["twilio"]) == {"From": "+15005550006", "Body": "Code: 123456", "To": "+4917012345678"}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_preset_has_no_warnings(preset: str) -> None:
    assert HttpSettings.model_validate({"provider": "http", **PRESETS[preset]}).warnings() == []


def test_a_preset_knows_its_address_and_can_be_pointed_elsewhere() -> None:
    twilio = HttpSettings.model_validate({"provider": "http", **PRESETS["twilio"]})
    mock = HttpSettings.model_validate({"provider": "http", **PRESETS["gtx"], "URL": "http://127.0.0.1:1/x"})

    assert (
        twilio.maker.address.host,
        twilio.maker.address.path,
    ) == ("api.twilio.com", "/2010-04-01/Accounts/B8/Messages.json")
    assert twilio.maker.headers["Authorization"] == "Basic Qjg6eA=="
    assert (mock.maker.address.port, mock.maker.api and mock.maker.api.name) == (1, "gtx")


def test_an_option_replaces_what_a_preset_brings() -> None:
    settings = {**PRESETS["gtx"], "options": {"text": "{otp} is it", "from": "ACME"}}

    assert {"text": "123456 is it", "from": "ACME"}.items() <= sent(settings).items()


CLICKATELL_ANSWERS: list[tuple[str, Receipt | type[DeliveryError]]] = [
    ("ID: 0123456789abcdef", Receipt("0123456789abcdef")),
    ("ID: abc To: 4917012345678", Receipt("abc")),
    ("ERR: 001, Authentication failed", AuthFailed),
    ("ERR: 003, Session ID expired", AuthFailed),
    ("ERR: 005, Missing session ID", AuthFailed),
    ("ERR: 105, Invalid Destination Address", BadRecipient),
    ("ERR: 108, Invalid or missing API ID", AuthFailed),
    ("ERR: 113, Maximum message parts exceeded", BadMessage),
    ("ERR: 130, Maximum MT limit exceeded until", Throttled),
    ("ERR: 301, No credit left", CreditExhausted),
    ("ERR: 901, Internal error - please retry", GatewayUnavailable),
    ("ERR: 999, Something new with ID", Refused),
    ("<html>please log in, ID needed</html>", ProtocolViolation),
    ("ID:\nERR: 105, Invalid Destination Address", ProtocolViolation),
    ("", ProtocolViolation),
]


@pytest.mark.parametrize(("text", "meaning"), CLICKATELL_ANSWERS)
@pytest.mark.parametrize("settings", [CLICKATELL, PRESETS["clickatell"]], ids=["seed", "preset"])
def test_clickatell_answers(settings: Settings, text: str, meaning: object) -> None:
    assert judge(settings, 200, text) == meaning


def test_a_server_error_of_clickatell_is_unknown() -> None:
    assert judge(CLICKATELL, 500, "ID: x") is Unknown


GTX_ANSWERS: list[tuple[int, str, Receipt | type[DeliveryError]]] = [
    (200, "200 OK", Receipt()),
    (200, "200 OK 4711\n", Receipt("4711")),
    (200, "401 Unauthorized", AuthFailed),
    (401, "401 Authorization failed", AuthFailed),
    (200, "503 try later", GatewayUnavailable),
    (200, "1200 OK", ProtocolViolation),
    (200, "", ProtocolViolation),
    (400, "400 Invalid recipient", Refused),
]


@pytest.mark.parametrize(("status", "text", "meaning"), GTX_ANSWERS)
@pytest.mark.parametrize("settings", [GTX, PRESETS["gtx"]], ids=["seed", "preset"])
def test_gtx_answers(settings: Settings, status: int, text: str, meaning: object) -> None:
    assert judge(settings, status, text) == meaning


TWILIO_ANSWERS: list[tuple[int, str, Receipt | type[DeliveryError]]] = [
    (201, '{"sid": "SM1", "status": "queued", "num_segments": "2", "error_code": null}', Receipt("SM1", 2)),
    (
        201,
        "<TwilioResponse><Message><Sid>SM1</Sid><Status>queued</Status></Message></TwilioResponse>",
        Receipt("SM1"),
    ),
    (201, '{"sid": "SM1", "status": "queued", "num_segments": "many"}', Receipt("SM1")),
    (201, "", ProtocolViolation),
    (200, "<html>please log in</html>", ProtocolViolation),
    (201, '{"sid": null, "status": "queued"}', ProtocolViolation),
    (201, '{"sid": ["SM1"], "status": "queued"}', ProtocolViolation),
    (201, '[{"sid": "SM1", "status": "queued"}]', ProtocolViolation),
    (201, '{"sid": "SM1", "status": "failed", "error_code": null}', Refused),
    (201, '{"sid": "SM1", "status": "failed", "error_code": 30999}', Refused),
    (201, "<TwilioResponse><Message><Sid>SM1</Sid><Status>undelivered</Status><ErrorCode/></Message></TwilioResponse>", Refused),
    (201, '{"sid": "SM1", "status": "failed", "error_code": 21610}', BadRecipient),
    (200, '{"code": 20003, "status": 401}', AuthFailed),
    (200, "<TwilioResponse><RestException><Code>21211</Code><Status>400</Status></RestException></TwilioResponse>", BadRecipient),
    (400, '{"code": 21211, "message": "The number 4917012345678", "status": 400}', BadRecipient),
    (400, "<TwilioResponse><RestException><Code>21211</Code></RestException></TwilioResponse>", BadRecipient),
    (400, '{"code": 21617}', BadMessage),
    (400, '{"code": 99999}', Refused),
    (401, '{"code": 20003}', AuthFailed),
    (401, "no json", AuthFailed),
    (404, '{"code": 20404}', AuthFailed),
    (429, '{"code": 20429}', Throttled),
    (500, '{"code": 20500}', Unknown),
    (503, '{"code": 20503}', GatewayUnavailable),
    (400, "[" * 100_000, Refused),
    (400, '{"code": ' + "9" * 5000 + "}", Refused),
]  # fmt: skip


@pytest.mark.parametrize(("status", "text", "meaning"), TWILIO_ANSWERS)
@pytest.mark.parametrize("settings", [TWILIO, PRESETS["twilio"]], ids=["seed", "preset"])
def test_twilio_answers(settings: Settings, status: int, text: str, meaning: object) -> None:
    assert judge(settings, status, text) == meaning


def test_text_beyond_ascii_is_announced_to_gtx() -> None:
    assert sent(GTX, "für dich")["t"] == "UNICODE"
    assert "t" not in sent({**GTX, "options": {**GTX["options"], "coding": "ucs2"}}, "für dich")


def test_text_beyond_ascii_goes_to_clickatell_as_hex() -> None:
    fields = sent(PRESETS["clickatell"], "ü")

    assert (fields["unicode"], bytes.fromhex(fields["text"]).decode("utf-16-be")) == ("1", "Code: ü")
    assert "concat" not in fields


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, None),
        ("a" * 161, "2"),
        ("a" * 153 * 2, "2"),
        ("a" * 307, "3"),
        # A bracket takes two septets, and is not cut in half.
        ("a" * 150 + "[]{}|", None),
        ("a" * 153 + "[]~^", "2"),
        ("[" * 80, None),
        ("[" * 81, "2"),
        ("[" * 152, "2"),
        ("[" * 153, "3"),
        # The grave accent is ASCII and not in the GSM alphabet.
        ("`" * 70, None),
        ("`" * 71, "2"),
        ("ü" * 70, None),
        ("ü" * 71, "2"),
        ("\U0001f511" * 36, "2"),
        ("\U0001f511" * 67, "3"),
        ("a" * 5355, "35"),
        ("a" * 9999, "35"),
    ],
)
def test_long_text_is_announced_to_clickatell(text: str, parts: str | None) -> None:
    settings = {**PRESETS["clickatell"], "options": {"api_id": 1, "text": "{otp}"}}

    assert sent(settings, text).get("concat") == parts
