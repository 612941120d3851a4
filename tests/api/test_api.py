"""The API of the inbox page, as another program uses it."""

import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.page.server import InboxPage

JSON = {"Content-Type": "application/json"}


def put(
    inbox: Inbox, number: str = "+491701234567", text: str = "Your code is 123456", gateway: str = "http"
) -> ReceivedMessage:
    return inbox.add(
        gateway=gateway, protocol="http", number=number, text=text, segments=1, wire={"face": "http"}
    )


def call(page: InboxPage, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(page.host, page.port, timeout=20)
    try:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, content, JSON | headers if content else headers)
        answer = connection.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if said else None
    finally:
        connection.close()


def ids(page: InboxPage, query: str) -> list[int]:
    _, answer = call(page, "GET", f"/api/messages?{query}")
    return [message["id"] for message in answer["messages"]]


def test_messages_are_listed_newest_first_and_without_their_wire_form(
    page: InboxPage, smsotp_inbox: Inbox
) -> None:
    put(smsotp_inbox)
    put(smsotp_inbox, "0170 999", "no code in here")

    status, answer = call(page, "GET", "/api/messages")

    assert (status, answer["found"], answer["mark"]) == (200, 2, 2)
    assert [(it["id"], it["number"], it["code"]) for it in answer["messages"]] == [
        (2, "0170999", ""),
        (1, "+491701234567", "123456"),
    ]
    assert "wire" not in answer["messages"][0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=GR%C3%9CSSE", [2]),
        ("q=0170%20123", [1]),
        ("q=%2B49%20170", [1]),
        ("q=123456", [1]),
        ("q=twilio", [3]),
        ("q=nowhere", []),
        ("number=0049170123", [1]),
        ("gateway=smpp", [2]),
        ("since=1", [3, 2]),
        ("before=3&limit=1", [2]),
        ("limit=2", [3, 2]),
        ("limit=0", []),
    ],
)
def test_messages_can_be_searched(page: InboxPage, smsotp_inbox: Inbox, query: str, found: list[int]) -> None:
    put(smsotp_inbox, "+49170123")
    put(smsotp_inbox, "+43660", "Schöne Grüße", "smpp")
    put(smsotp_inbox, "+43661", "x", "twilio")

    assert ids(page, query) == found


def test_one_message_is_shown_with_its_wire_form(page: InboxPage, smsotp_inbox: Inbox) -> None:
    message = put(smsotp_inbox)

    assert call(page, "GET", "/api/messages/1") == (200, message.as_dict())


@pytest.mark.parametrize("id_", ["2", "0", "x", "-1", "9" * 40, "%20"])
def test_a_message_that_is_not_there_is_said_so(page: InboxPage, smsotp_inbox: Inbox, id_: str) -> None:
    put(smsotp_inbox)

    status, answer = call(page, "GET", f"/api/messages/{id_}")

    assert status == 404
    assert "has no message" in answer["error"]


def test_the_inbox_can_be_cleared(page: InboxPage, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)

    assert call(page, "DELETE", "/api/messages") == (204, None)

    assert len(smsotp_inbox) == 0


def test_a_wait_ends_when_the_message_comes(page: InboxPage, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)
    answers: list[tuple[int, Any]] = []
    waiting = threading.Thread(
        target=lambda: answers.append(
            call(page, "GET", "/api/wait?number=%2B491701234567&after=1&timeout=60")
        )
    )
    waiting.start()
    put(smsotp_inbox, text="Your code is 654321")
    waiting.join()

    assert [(status, message["code"]) for status, message in answers] == [(200, "654321")]


def test_a_wait_in_vain_says_what_the_inbox_holds(page: InboxPage, smsotp_inbox: Inbox) -> None:
    put(smsotp_inbox)

    status, answer = call(page, "GET", "/api/wait?number=%2B43&timeout=0")

    assert status == 404
    assert answer["error"].startswith("No message for +43 came within 0 s.\nThe inbox holds 1 message:")


def test_a_stop_does_not_wait_for_those_who_wait(page: InboxPage) -> None:
    with socket.create_connection((page.host, page.port), timeout=20) as connection:
        connection.sendall(f"GET /api/wait?timeout=60 HTTP/1.1\r\nHost: {page.authority}\r\n\r\n".encode())
        with socket.create_connection((page.host, page.port), timeout=20) as another:
            another.sendall(b"x\r\n\r\n")
            assert another.recv(12) == b"HTTP/1.1 400"
        page.stop()
        told = connection.recv(1)

    # Whoever waits to the end is told what the inbox holds.
    assert told == b""


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"rule": "throttle 3 times; then delay 250ms"}, ["throttle 3 times", "delay 0.25s"]),
        ({"action": "status", "code": 503, "text": "busy", "nth": 2}, ['status 503 "busy" nth 2']),
    ],
)
def test_faults_are_added_as_text_and_as_values(
    page: InboxPage, gateways: dict[str, Gateway], body: dict[str, Any], rule: list[str]
) -> None:
    status, answer = call(page, "POST", "/api/gateways/http/faults", body)

    assert status == 201
    assert [it["rule"] for it in answer["faults"]] == rule
    assert call(page, "GET", "/api/gateways/http/faults") == (200, answer)
    assert len(gateways["http"].faults.list()) == len(rule)


def test_faults_are_removed_and_cleared(page: InboxPage, gateways: dict[str, Gateway]) -> None:
    plan = gateways["smpp"].faults
    first, _ = plan.add("hang; mute")

    assert call(page, "DELETE", f"/api/gateways/smpp/faults/{first}") == (204, None)
    assert [it.rule.fault.action for it in plan.list()] == ["mute"]
    assert call(page, "DELETE", f"/api/gateways/smpp/faults/{first}")[0] == 404
    assert call(page, "DELETE", "/api/gateways/smpp/faults") == (204, None)
    assert plan.list() == ()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/api/gateways/http/faults", {"rule": "explode"}, 400, "There is no fault 'explode'"),
        (
            "POST",
            "/api/gateways/http/faults",
            b'{"rule": "hang", "rule": "lose"}',
            400,
            "names 'rule' more than",
        ),
        ("POST", "/api/gateways/http/faults", b'{"action": "delay", "seconds": NaN}', 400, "is not JSON"),
        ("POST", "/api/gateways/http/faults", {"rule": 7}, 400, "'rule' must be a text, such as"),
        (
            "POST",
            "/api/gateways/http/faults",
            {"rule": "hang", "times": 1},
            400,
            "and stand alone in the body",
        ),
        ("POST", "/api/gateways/http/faults", {"rule": "status " + "9" * 5000}, 400, "at most 20 digits"),
        ("POST", "/api/gateways/http/faults", {"action": "delay", "seconds": 10**400}, 400, "to 600 seconds"),
        ("POST", "/api/gateways/smtp/faults", {"rule": "lose at rcpt"}, 400, "No message is taken at 'rcpt'"),
        ("POST", "/api/gateways/smtp/faults", {"rule": "status 503"}, 400, "This gateway cannot 'status'"),
        ("POST", "/api/gateways/http/faults", [1], 400, "must be a JSON object"),
        ("POST", "/api/gateways/x/faults", {"rule": "hang"}, 404, "there are: http, sipgate, smtp, smpp"),
        ("POST", "/api/messages/1/receipt", {"state": "LOST"}, 400, "one of ENROUTE, DELIVRD"),
        ("POST", "/api/messages/1/receipt", {}, 409, "only SMPP has receipts"),
        ("POST", "/api/messages/9/receipt", {}, 404, "no message '9'"),
        ("GET", "/api/messages?limit=1001", None, 400, "'limit' must be a whole number from 0 to 1000"),
        ("GET", "/api/messages?since=-1", None, 400, "'since' must be"),
        ("GET", "/api/messages?since=%C2%B2", None, 400, "'since' must be"),
        ("GET", "/api/messages?nummer=1", None, 400, "There is no parameter 'nummer' here. It may have: q"),
        ("GET", "/api/messages?q=" + "x" * 201, None, 400, "more than 200 characters"),
        ("GET", "/api/wait?number=x", None, 400, "'number' must be a phone number"),
        ("GET", "/api/wait?number=%2B", None, 400, "'number' must be a phone number"),
        ("GET", "/api/messages?number=bob", None, 400, "'number' must be a phone number"),
        ("GET", "/api/wait?number=12&number=13", None, 400, "The parameter 'number' came more than once"),
        ("GET", "/api/wait?timeout=61", None, 400, "seconds from 0 to 60"),
        ("GET", "/api/wait?timeout=nan", None, 400, "seconds from 0 to 60"),
        ("GET", "/api/gateways?x=1", None, 400, "It has none"),
        ("GET", "/api/nothing", None, 404, "There is nothing at '/api/nothing'"),
        ("GET", "/../web.py", None, 404, "There is nothing at"),
        ("PUT", "/api/messages", {}, 405, "DELETE, GET, HEAD is"),
        ("DELETE", "/", None, 405, "GET, HEAD is"),
    ],
)
def test_a_wrong_request_gets_one_clear_sentence(  # noqa: PLR0917  (the columns of the table)
    page: InboxPage, smsotp_inbox: Inbox, method: str, path: str, body: Any, status: int, says: str
) -> None:
    put(smsotp_inbox)

    answered, answer = call(page, method, path, body)

    assert (answered, list(answer)) == (status, ["error"])
    assert says in answer["error"]


def test_gateways_come_with_configuration_to_paste(page: InboxPage, gateways: dict[str, Gateway]) -> None:
    _, answer = call(page, "GET", "/api/gateways")

    assert [it["kind"] for it in answer["gateways"]] == ["http", "sipgate", "smtp", "smpp"]
    assert answer["gateways"][0]["names"] == ["http", "clickatell", "gtx", "twilio"]
    assert answer["gateways"][3]["configuration"] == gateways["smpp"].configuration()
    assert "[gateways.smpp]\n" in answer["toml"]


def test_what_a_gateway_rejected_can_be_read(page: InboxPage, gateways: dict[str, Gateway]) -> None:
    client = http.client.HTTPConnection(gateways["http"].address.removeprefix("http://"), timeout=20)
    client.request("GET", "/sms?text=no+number")
    client.getresponse().read()
    client.close()

    _, answer = call(page, "GET", "/api/gateways/http/requests?limit=1")

    assert [(it["gateway"], it["verdict"]) for it in answer["requests"]] == [("http", "rejected")]


class TestEvents:
    """Server-sent events."""

    @staticmethod
    def read(stream: Any, kind: str) -> Any:
        for line in stream:
            if line == f"event: {kind}\n".encode():
                text = stream.readline()
                return json.loads(
                    (stream.readline() if text.startswith(b"id:") else text).removeprefix(b"data: ")
                )
        raise AssertionError(f"the stream ended without {kind!r}")

    def test_a_listener_hears_of_messages_faults_and_clearing(
        self, page: InboxPage, smsotp_inbox: Inbox, gateways: dict[str, Gateway]
    ) -> None:
        with socket.create_connection((page.host, page.port), timeout=20) as connection:
            connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: {page.authority}\r\n\r\n".encode())
            with connection.makefile("rb") as stream:
                assert self.read(stream, "ready") == {"mark": 0}
                put(smsotp_inbox)
                assert self.read(stream, "message")["code"] == "123456"
                gateways["sipgate"].faults.add("hang")
                assert [it["rule"] for it in self.read(stream, "faults")["sipgate"]] == ["hang"]
                smsotp_inbox.clear()
                assert self.read(stream, "clear") == {}

    def test_a_listener_that_comes_again_misses_nothing(self, page: InboxPage, smsotp_inbox: Inbox) -> None:
        for code in ("111111", "222222", "333333"):
            put(smsotp_inbox, text=code)
        with socket.create_connection((page.host, page.port), timeout=20) as connection:
            head = f"GET /api/events HTTP/1.1\r\nHost: {page.authority}\r\nLast-Event-ID: 1\r\n\r\n"
            connection.sendall(head.encode())
            with connection.makefile("rb") as stream:
                assert [self.read(stream, "message")["code"] for _ in range(2)] == ["222222", "333333"]


def test_a_hundred_may_wait_and_no_more(page: InboxPage) -> None:
    head = f"GET /api/events HTTP/1.1\r\nHost: {page.authority}\r\n\r\n".encode()
    connections = [socket.create_connection((page.host, page.port), timeout=20) for _ in range(101)]
    answers = []
    for connection in connections:
        connection.sendall(head)
        answers.append(connection.recv(12))
    for connection in connections:
        connection.close()

    assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 503")) == (100, 1)


def test_what_the_gateways_refused_is_listed_newest_first_with_its_answer(
    page: InboxPage, gateways: dict[str, Gateway]
) -> None:
    for path in ("/sms?text=1", "/sms?to=%2B491701234567"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(gateways["http"].address + path, timeout=10)
        refused.value.close()

    status, answer = call(page, "GET", "/api/refused?limit=1")

    assert (status, answer["found"], len(answer["refused"])) == (200, 2, 1)
    entry = answer["refused"][0]
    assert entry["reason"].startswith("no text found")
    assert entry["answer"].startswith("400 ERROR no text found")
    assert entry["wire"]["target"] == "/sms?to=%2B491701234567"
