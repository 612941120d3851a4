"""The provider sipgate against HTTP servers that are not ours."""

import base64
import gzip
import logging
import ssl
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import pytest
import requests
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    ConnectFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.fields.tls import UNCHECKED
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.sipgate import SipgateProvider, SipgateSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.http.client import make_response, text_of
from smsotp_plugin.wire.http.xmlrpc import RpcFault, UnreadableAnswer, read_answer, write_call

CLOCK = SystemClock()
SMALLEST = {"provider": "sipgate", "USERNAME": "me@example.com", "PASSWORD": "geheim:ä"}
TAKEN = xmlrpc.client.dumps(
    ({"StatusCode": 200, "StatusString": "Method success", "SessionID": "S-1"},), methodresponse=True
)

Make = Callable[..., SipgateProvider]


def message(sentence: str = "Your code is 123456") -> Message:
    return Message(
        reference="ref-1",
        user="bob",
        number=parse_number("+491701234567", None),
        otp=SecretStr("123456"),
        sentence=SecretStr(sentence),
        expires=CLOCK.time() + 300,
    )


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[SipgateProvider] = []

    def make_provider(url: str = "http://127.0.0.1:1/RPC2", **settings: object) -> SipgateProvider:
        known = SipgateSettings.model_validate(SMALLEST | {"URL": url} | settings)
        made.append(SipgateProvider(GatewayContext("sip", CLOCK), known))
        return made[-1]

    yield make_provider
    for provider in made:
        provider.close()


def soon() -> Deadline:
    return Deadline.after(10, CLOCK)


def answer(body: str | bytes, status: int = 200) -> requests.Response:
    return make_response(status, {}, body.encode() if isinstance(body, str) else body)


def return_members(**members: object) -> requests.Response:
    return answer(xmlrpc.client.dumps((members,), methodresponse=True))


def test_the_documented_endpoint_is_used_where_nothing_else_is_said() -> None:
    address = SipgateSettings.model_validate(SMALLEST).URL

    assert (address.scheme, address.host, address.port) == ("https", "samurai.sipgate.net", 443)
    assert address.target == "/RPC2"


def test_an_sms_is_one_call_with_uri_service_and_content(make: Make, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/RPC2", method="POST").respond_with_data(TAKEN, content_type="text/xml")

    receipt = make(httpserver.url_for("/RPC2")).submit(message("Grüße & <1 €>: 123456"), soon())

    request, _ = httpserver.log[0]
    (call,), method = xmlrpc.client.loads(request.data)
    credentials = base64.b64encode("me@example.com:geheim:ä".encode()).decode()
    assert receipt == Receipt(gateway_id="S-1")
    assert method == "samurai.SessionInitiate"
    assert call == {
        "RemoteUri": "sip:491701234567@sipgate.net",
        "TOS": "text",
        "Content": "Grüße & <1 €>: 123456",
    }
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert request.content_type.startswith("text/xml")


def test_a_server_of_the_standard_library_understands_the_call(make: Make) -> None:
    calls: list[dict[str, str]] = []

    def initiate(call: dict[str, str]) -> dict[str, object]:
        calls.append(call)
        return {"StatusCode": 200, "SessionID": "abc"}

    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(initiate, "samurai.SessionInitiate")  # type: ignore[arg-type]
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        receipt = make(f"http://127.0.0.1:{server.server_address[1]}/RPC2").submit(message("日本 1"), soon())
        serving.join()

    assert receipt == Receipt(gateway_id="abc")
    assert [call["Content"] for call in calls] == ["日本 1"]


def test_a_number_is_written_in_digits_whatever_regexp_leaves(make: Make) -> None:
    plus = make(REGEXP="/^0/49/").compose(message())
    rewritten = make(REGEXP=r"/^\+49/0/").compose(message())

    assert plus.body is not None
    assert b"sip:491701234567@" in plus.body
    assert rewritten.body is not None
    assert b"sip:01701234567@" in rewritten.body


def test_a_rewritten_number_with_more_than_digits_is_refused(make: Make) -> None:
    with pytest.raises(BadRecipient):
        make(REGEXP="/^.*$/1@evil.example/").compose(message())


@pytest.mark.parametrize("text", ["a\x00b", "a\x0bb", "a\ud800b", "a\ufffeb"])
def test_a_text_that_xml_cannot_carry_is_refused(make: Make, text: str) -> None:
    with pytest.raises(BadMessage):
        make().compose(message(text))


@pytest.mark.parametrize(
    ("code", "value_means", "fault_means"),
    [
        *((401, AuthFailed, AuthFailed), (402, Unknown, Unknown), (407, BadMessage, BadMessage)),
        *((412, Throttled, Throttled), (502, GatewayUnavailable, GatewayUnavailable)),
        *((503, CreditExhausted, CreditExhausted), (506, BadRecipient, BadRecipient)),
        # A fault that nobody knows may be one of a program that had already sent the SMS.
        *((999, Refused, Unknown), (201, Refused, Unknown), (0, Refused, Unknown), (1, Refused, Unknown)),
        *((-32603, Refused, Unknown), (-32700, BadMessage, BadMessage), (-32602, BadMessage, BadMessage)),
    ],
)
def test_each_status_code_has_its_meaning_as_value_and_as_fault(
    make: Make, code: int, value_means: type[DeliveryError], fault_means: type[DeliveryError]
) -> None:
    fault = answer(
        xmlrpc.client.dumps(xmlrpc.client.Fault(code, "no, not to 491701234567"), methodresponse=True)
    )

    value = return_members(StatusCode=code, StatusString="no, not to 491701234567")
    for refusal, error in ((value, value_means), (fault, fault_means)):
        with pytest.raises(DeliveryError) as caught:
            make().judge(refusal)
        assert type(caught.value) is error
        assert str(code) in str(caught.value)
        assert "491701234567" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthFailed),
        (404, Refused),
        (429, Throttled),
        (500, Unknown),
        (503, GatewayUnavailable),
        (302, Unknown),
        (307, GatewayUnavailable),
    ],
)
def test_each_http_status_has_its_meaning(make: Make, status: int, error: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as caught:
        make().judge(answer(TAKEN, status))

    assert type(caught.value) is error


@pytest.mark.parametrize("before", ["\n", "\r\n  ", "\ufeff", "\ufeff\n"])
@pytest.mark.parametrize(
    "code",
    [
        "<int>200</int>",
        "<string>200</string>",
        "<string> 200 </string>",
        "200",
        "<double>200.0</double>",
        "200.0",
    ],
)
def test_an_acceptance_is_read_as_it_really_comes(make: Make, before: str, code: str) -> None:
    body = before + TAKEN.replace("<int>200</int>", code) + "\n"

    assert make().judge(answer(body)) == Receipt(gateway_id="S-1")


@pytest.mark.parametrize("fault", ["<string>412</string>", "<string> 412</string>", "412", "<i4>412</i4>"])
def test_a_fault_is_read_with_its_code_as_a_text(make: Make, fault: str) -> None:
    body = xmlrpc.client.dumps(xmlrpc.client.Fault(412, "no"), methodresponse=True)

    with pytest.raises(Throttled):
        make().judge(answer("\n" + body.replace("<int>412</int>", fault)))


def test_an_answer_is_read_in_the_characters_that_it_names(make: Make) -> None:
    body = TAKEN.replace("<?xml version='1.0'?>", "<?xml version='1.0' encoding='gbk'?>").replace(
        "S-1", "成功"
    )

    assert make().judge(answer(body.encode("gbk"))) == Receipt(gateway_id="成功")


BOMB = """<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<methodResponse><params><param><value><string>&b;</string></value></param></params></methodResponse>"""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "OK",
        "<html>200</html>",
        TAKEN[:-30],
        TAKEN + "x",
        TAKEN.replace("StatusCode", "Statuscode"),
        TAKEN.replace("<int>200</int>", "<string>two hundred</string>"),
        TAKEN.replace("<int>200</int>", "<boolean>1</boolean>"),
        TAKEN.replace("<int>200</int>", "<int>zwei</int>"),
        TAKEN.replace("<int>200</int>", f"<int>{'9' * 5000}</int>"),
        TAKEN.replace("<int>200</int>", "<nil/>"),
        TAKEN.replace("<int>200</int>", "<other>200</other>"),
        "<methodResponse><params></params></methodResponse>",
        "<methodResponse><fault><value><int>4</int></value></fault></methodResponse>",
        "<methodResponse><params><param><value>200</value></param></params></methodResponse>",
        "<?xml version='1.0' encoding='x-unheard-of'?><methodResponse/>",
        BOMB,
        TAKEN.replace("<?xml version='1.0'?>", "<!DOCTYPE methodResponse SYSTEM 'file:///etc/passwd'>"),
        BOMB.encode("utf-16"),
        "<a>" * 20000,
    ],
)
def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown(make: Make, body: str | bytes) -> None:
    with pytest.raises(ProtocolViolation):
        make().judge(answer(body))


@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda middle: TAKEN.encode().replace(b"200", middle))
)
def test_arbitrary_bytes_give_a_value_a_fault_or_are_unreadable(body: bytes) -> None:
    try:
        read_answer(text_of(answer(body)))
    except (RpcFault, UnreadableAnswer):
        return


@given(st.text())
def test_every_text_arrives_as_it_was_or_is_refused(text: str) -> None:
    try:
        call = write_call("m", {"Content": text})
    except ValueError:
        return

    (read,), _ = xmlrpc.client.loads(call)
    assert read == {"Content": text.replace("\r\n", "\n").replace("\r", "\n")}


def test_a_session_id_is_cut_to_what_a_log_can_hold(make: Make) -> None:
    receipt = make().judge(return_members(StatusCode=200, SessionID="a\nb" + "c" * 500))

    assert receipt.gateway_id == "ab" + "c" * 126


DEEP = "<array><data><value>" * 700 + "</value></data></array>" * 700


@pytest.mark.parametrize(
    "session", ["<nil/>", "<struct/>", "<double>1.5</double>", "<base64>QUJD</base64>", DEEP]
)
def test_a_session_id_that_is_none_leaves_the_sms_accepted_without_one(make: Make, session: str) -> None:
    body = TAKEN.replace("<string>S-1</string>", session)

    assert make().judge(answer(body)) == Receipt()


def test_a_compressed_bomb_is_not_unpacked(make: Make, httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    httpserver.expect_request("/RPC2").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})

    with pytest.raises(ProtocolViolation):
        make(httpserver.url_for("/RPC2")).submit(message(), soon())


def test_a_certificate_of_an_unknown_authority_gets_no_call(make: Make, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as server:
        server.expect_request("/RPC2").respond_with_data(TAKEN)
        with pytest.raises(ConnectFailed):
            make(server.url_for("/RPC2")).submit(message(), soon())
        receipt = make(server.url_for("/RPC2"), CHECK_SSL=str(tmp_path / "ca.pem")).submit(message(), soon())

    assert receipt == Receipt(gateway_id="S-1")
    assert len(server.log) == 1


def test_the_call_goes_through_the_proxy(make: Make, httpserver: HTTPServer) -> None:
    seen: list[Any] = []

    def forward(request: Request) -> Response:
        seen.append((request.headers["Host"], request.headers["Proxy-Authorization"]))
        return Response(TAKEN)

    httpserver.expect_request("/RPC2").respond_with_handler(forward)
    proxy = f"http://me:pw@127.0.0.1:{httpserver.port}"

    make("http://gateway.invalid:8080/RPC2", PROXY=proxy).submit(message(), soon())

    assert seen == [("gateway.invalid:8080", "Basic " + base64.b64encode(b"me:pw").decode())]


@pytest.mark.shows_secrets
def test_sms_and_answer_are_logged_at_the_gateways_debug_level_and_only_there(
    make: Make, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/RPC2").respond_with_data(TAKEN)
    url = httpserver.url_for("/RPC2")
    caplog.set_level(logging.DEBUG, logger="smsotp")
    make(url).submit(message("Your code is 111111"), soon())
    quiet = caplog.text

    make(url, LOG_LEVEL="debug").submit(message("Your code is 222222"), soon())

    assert "111111" not in quiet
    assert "S-1" not in quiet
    assert "222222" in caplog.text
    assert "sip:491701234567@sipgate.net" in caplog.text
    assert "S-1" in caplog.text
    assert "geheim" not in caplog.text


def problem_with(**settings: object) -> str:
    with pytest.raises(ValidationError) as caught:
        SipgateSettings.model_validate(SMALLEST | settings)
    return str(caught.value)


@pytest.mark.parametrize("missing", ["USERNAME", "PASSWORD"])
def test_both_credentials_are_needed(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        SipgateSettings.model_validate({name: value for name, value in SMALLEST.items() if name != missing})


def test_there_are_no_options() -> None:
    assert "options" in problem_with(options={"a": "b"})


def test_a_user_name_with_a_colon_is_a_problem() -> None:
    assert "USERNAME" in problem_with(USERNAME="a:b")


def test_credentials_in_the_url_are_a_problem_that_does_not_show_them() -> None:
    text = problem_with(URL="https://me:verborgen@example.com/RPC2")

    assert "must not hold credentials" in text
    assert "verborgen" not in text


def test_a_way_that_others_can_read_is_worth_a_warning() -> None:
    settings = SipgateSettings.model_validate(SMALLEST | {"URL": "http://example.com/", "CHECK_SSL": "no"})

    assert [warning.split(":")[0] for warning in settings.warnings()] == ["URL", "CHECK_SSL"]
    assert settings.warnings()[1] == UNCHECKED
