"""The sipgate mock against the standard library's XML-RPC client, and against bare requests."""

import base64
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.inbox.inbox import Inbox

ACCOUNTS = Accounts()
CALL: dict[str, Any] = {
    "RemoteUri": "sip:491701234567@sipgate.net",
    "TOS": "text",
    "Content": "Dein Code: 123456 <ü & €>",
}


@pytest.fixture
def sipgate(inbox: Inbox) -> Iterator[SipgateGateway]:
    with SipgateGateway(inbox) as running:
        yield running


def initiate(gateway: SipgateGateway, method: str = "SessionInitiate", **values: Any) -> Any:
    user, password = ACCOUNTS.sipgate_username, ACCOUNTS.sipgate_password
    url = f"http://{user}:{password}@{gateway.authority}/RPC2"
    with xmlrpc.client.ServerProxy(url, encoding="utf-8") as server:
        return getattr(server.samurai, method)(values)


def refusal(request: urllib.request.Request) -> int:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    error.value.close()
    return error.value.code


def test_a_message_is_taken(sipgate: SipgateGateway, inbox: Inbox) -> None:
    assert initiate(sipgate, **CALL)["StatusCode"] == 200

    message = inbox.wait("+491701234567", "sipgate", timeout=0)
    assert (message.text, message.code, message.protocol) == (CALL["Content"], "123456", "sipgate")


def test_a_client_may_introduce_itself(sipgate: SipgateGateway, inbox: Inbox) -> None:
    answer = initiate(sipgate, "ClientIdentify", ClientName="test", ClientVersion="1", ClientVendor="me")

    assert (answer["StatusCode"], len(inbox)) == (200, 0)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"RemoteUri": "sip:+491701234567@sipgate.net"}, 508),
        ({"RemoteUri": "sip:00491701234567@sipgate.net"}, 508),
        ({"RemoteUri": "sip:491701234567@example.com"}, 506),
        ({"RemoteUri": "491701234567"}, 506),
        ({"TOS": "fax"}, 502),
        ({"Content": ""}, 407),
        ({"RemoteUri": "sip:4915550100009@sipgate.net"}, 412),
        ({"RemoteUri": "sip:4915550100010@sipgate.net"}, 508),
        ({"RemoteUri": "sip:4915550100011@sipgate.de"}, 404),
    ],
)
def test_what_cannot_be_sent_gets_a_status_code(
    sipgate: SipgateGateway, inbox: Inbox, change: dict[str, str], status: int
) -> None:
    assert initiate(sipgate, **(CALL | change))["StatusCode"] == status
    assert len(inbox) == 0


@pytest.mark.parametrize("values", [{}, {"RemoteUri": 5}, {"TOS": "text", "Content": "x"}])
def test_a_call_that_breaks_the_signature_is_a_fault(sipgate: SipgateGateway, values: dict[str, Any]) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="Invalid parameters"):
        initiate(sipgate, **values)


def test_an_unknown_method_is_a_fault(sipgate: SipgateGateway) -> None:
    with pytest.raises(xmlrpc.client.Fault, match="Unknown method"):
        initiate(sipgate, "Explode", **CALL)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<methodCall></methodCall>",
        b"<methodCall><params><param><value><int>x</int></value></param></params></methodCall>",
        b"<methodCall><methodName>a</methodName><params><param><value><nope/></value></param></params></methodCall>",
        b"\xff\xfe<",
        b"<struct>" * 10_000,
    ],
)
def test_hostile_documents_are_a_fault(sipgate: SipgateGateway, body: bytes) -> None:
    request = urllib.request.Request(sipgate.address, body, {"Content-Type": "text/xml"})
    request.add_header("Authorization", "Basic c2lwZ2F0ZS11c2VyOnNpcGdhdGUtcGFzc3dvcmQ=")
    with urllib.request.urlopen(request, timeout=10) as answer, pytest.raises(xmlrpc.client.Fault):
        xmlrpc.client.loads(answer.read())


def test_a_document_type_is_refused(sipgate: SipgateGateway, inbox: Inbox) -> None:
    document = xmlrpc.client.dumps((CALL,), "samurai.SessionInitiate").replace("123456", "&bomb;")
    body = document.replace("?>", '?><!DOCTYPE x [<!ENTITY bomb "boom">]>').encode()
    request = urllib.request.Request(sipgate.address, body, {"Content-Type": "text/xml"})
    request.add_header("Authorization", "Basic c2lwZ2F0ZS11c2VyOnNpcGdhdGUtcGFzc3dvcmQ=")
    with (
        urllib.request.urlopen(request, timeout=10) as answer,
        pytest.raises(xmlrpc.client.Fault, match="document type"),
    ):
        xmlrpc.client.loads(answer.read())

    assert len(inbox) == 0


def test_wrong_credentials_are_answered_with_401(sipgate: SipgateGateway) -> None:
    request = urllib.request.Request(sipgate.address, b"x", {"Authorization": "Basic eDp5"})

    assert refusal(request) == 401


@pytest.mark.parametrize(
    ("path", "content_type", "status"), [("/other", "text/xml", 404), ("/RPC2", "text/plain", 415)]
)
def test_another_path_or_type_is_refused(
    sipgate: SipgateGateway, path: str, content_type: str, status: int
) -> None:
    request = urllib.request.Request(sipgate.url + path, b"x", {"Content-Type": content_type})
    request.add_header("Authorization", "Basic c2lwZ2F0ZS11c2VyOnNpcGdhdGUtcGFzc3dvcmQ=")

    assert refusal(request) == status


def test_a_fault_rule_gives_an_xml_rpc_fault(sipgate: SipgateGateway, inbox: Inbox) -> None:
    sipgate.faults.add('xml-fault 407 "no credit"')

    with pytest.raises(xmlrpc.client.Fault) as fault:
        initiate(sipgate, **CALL)
    assert (fault.value.faultCode, fault.value.faultString, len(inbox)) == (407, "no credit", 0)


def raw(gateway: SipgateGateway, document: bytes) -> Any:
    user, password = ACCOUNTS.sipgate_username, ACCOUNTS.sipgate_password
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Content-Type": "text/xml", "Authorization": f"Basic {token}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{gateway.url}/RPC2", document, headers), timeout=10
    ) as answer:
        return xmlrpc.client.loads(answer.read())


@pytest.mark.parametrize("parameters", [(), ("text",), (CALL, CALL), (CALL,)])
def test_an_unknown_method_is_told_so_whatever_its_parameters(
    sipgate: SipgateGateway, parameters: tuple[Any, ...]
) -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        raw(sipgate, xmlrpc.client.dumps(parameters, "samurai.Nothing", encoding="utf-8").encode())

    assert caught.value.faultCode == -32601


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-8", "utf-16", "us-ascii"])
def test_a_document_is_read_in_the_encoding_that_it_names(
    sipgate: SipgateGateway, inbox: Inbox, encoding: str
) -> None:
    call = CALL | {"Content": "Dein Code: 123456" + ("" if encoding == "us-ascii" else " für dich")}
    document = xmlrpc.client.dumps((call,), "samurai.SessionInitiate", encoding=encoding)

    ((answer,), _) = raw(sipgate, document.encode(encoding))

    assert answer["StatusCode"] == 200
    assert inbox.wait("+491701234567", timeout=0).text == call["Content"]
