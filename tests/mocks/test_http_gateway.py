import gzip
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates, Kind

NUMBER = "+491701234567"


def post(gateway: HttpGateway, path: str = "/sms", **fields: str) -> str:
    body = urllib.parse.urlencode({"to": NUMBER, "text": "Your code is 123456"} | fields).encode()
    with urllib.request.urlopen(gateway.url + path, body, timeout=10) as answer:
        return bytes(answer.read()).decode()


def exchange(gateway: HttpGateway, sent: bytes) -> bytes:
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_a_form_reaches_the_inbox(gateway: HttpGateway, inbox: Inbox) -> None:
    assert post(gateway).startswith("OK ")

    message = inbox.wait(number=NUMBER, gateway="http", timeout=0)
    assert (message.text, message.code, message.segments) == ("Your code is 123456", "123456", 1)


def test_a_query_reaches_the_inbox(gateway: HttpGateway, inbox: Inbox) -> None:
    query = urllib.parse.urlencode({"Phone": NUMBER, "SMS": "grüße €"})
    with urllib.request.urlopen(f"{gateway.url}/any/path?{query}", timeout=10) as answer:
        assert answer.status == 200

    assert inbox.wait(number=NUMBER, timeout=0).text == "grüße €"


def test_json_reaches_the_inbox(gateway: HttpGateway, inbox: Inbox) -> None:
    body = json.dumps({"message": {"to": [NUMBER], "text": "hello"}}).encode()
    request = urllib.request.Request(gateway.url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass

    assert inbox.wait(number=NUMBER, timeout=0).text == "hello"


def test_half_a_surrogate_pair_in_json_is_replaced(gateway: HttpGateway, inbox: Inbox) -> None:
    body = b'{"to": "\\ud800 49170123", "text": "\\ud800x", "from": "\\udfff"}'
    request = urllib.request.Request(gateway.url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10):
        pass

    assert str(inbox.messages()[0].as_dict()).encode().count("\ufffd".encode()) == 3


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_no_json(gateway: HttpGateway, inbox: Inbox, value: str) -> None:
    body = f'{{"to": "{NUMBER}", "text": "x", "priority": {value}}}'.encode()
    request = urllib.request.Request(gateway.url, body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)

    with refusal.value as answer:
        assert (answer.code, len(inbox)) == (400, 0)
        assert b"says that it is JSON, and is not" in answer.read()


def test_the_wire_form_is_kept(gateway: HttpGateway, inbox: Inbox) -> None:
    post(gateway)

    request = inbox.messages()[0].wire["request"]
    assert (request["method"], request["target"]) == ("POST", "/sms")
    assert "to=%2B491701234567" in request["body"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"text=hello", "application/x-www-form-urlencoded"),
        (b"to=%2B49170", "application/x-www-form-urlencoded"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"to": true}', "application/json"),
        (b"to=1&text=2", "text/plain"),
    ],
)
def test_a_request_without_number_or_text_is_refused(
    gateway: HttpGateway, body: bytes, content_type: str
) -> None:
    request = urllib.request.Request(gateway.url, body, {"Content-Type": content_type})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)

    refusal.value.close()
    assert refusal.value.code == 400
    assert gateway.requests[0].verdict == "rejected"


def test_the_plain_face_can_ask_for_credentials(inbox: Inbox) -> None:
    with HttpGateway(inbox, accounts=Accounts(plain_username="me")) as gateway:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            post(gateway)
        refusal.value.close()

    assert refusal.value.code == 401


def test_a_connection_is_used_again(gateway: HttpGateway, inbox: Inbox) -> None:
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/?to=%2B49170&text=x")
        connection.getresponse().read()

    assert (len(inbox), gateway.connections) == (3, 1)
    connection.close()


def test_many_connections_at_once_lose_nothing(gateway: HttpGateway, inbox: Inbox) -> None:
    threads = [threading.Thread(target=lambda: [post(gateway) for _ in range(25)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(inbox) == 400


def test_it_stops_and_starts_on_the_same_port(inbox: Inbox) -> None:
    gateway = HttpGateway(inbox).start()
    port = gateway.port
    gateway.stop()
    with pytest.raises(urllib.error.URLError):
        post(gateway)
    gateway.start()
    post(gateway)
    gateway.stop()

    assert (port, 1) == (gateway.port, len(inbox))


def test_stop_ends_idle_connections(inbox: Inbox) -> None:
    gateway = HttpGateway(inbox).start()
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    connection.request("GET", "/?to=49170&text=x")
    connection.getresponse().read()
    gateway.stop()

    assert connection.sock.recv(100) == b""
    connection.close()


def test_it_listens_on_ipv6(inbox: Inbox) -> None:
    with HttpGateway(inbox, host="::1") as gateway:
        post(gateway)

    assert len(inbox) == 1


def test_tls_with_the_good_certificate(inbox: Inbox, certificates: Certificates) -> None:
    trust = ssl.create_default_context(cadata=certificates.authority_pem.decode())
    with (
        HttpGateway(inbox, tls=certificates.server_context()) as gateway,
        urllib.request.urlopen(f"{gateway.url}/?to=49170&text=x", timeout=10, context=trust) as answer,
    ):
        assert answer.status == 200

    assert len(inbox) == 1


@pytest.mark.parametrize(("kind", "says"), [("expired", "expired"), ("wrong-name", "not valid for")])
def test_tls_with_a_bad_certificate(inbox: Inbox, certificates: Certificates, kind: Kind, says: str) -> None:
    trust = ssl.create_default_context(cadata=certificates.authority_pem.decode())
    with (
        HttpGateway(inbox, tls=certificates.server_context(kind)) as gateway,
        pytest.raises(urllib.error.URLError, match=says),
    ):
        urllib.request.urlopen(f"{gateway.url}/?to=49170&text=x", timeout=10, context=trust)


def test_a_client_that_waits_before_the_body_is_told_to_go_on(gateway: HttpGateway, inbox: Inbox) -> None:
    head = b"POST /?to=49170123 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 6\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(head + form)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"text=x")

        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(inbox) == 1


def test_curl_is_understood(gateway: HttpGateway, inbox: Inbox) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    subprocess.run(
        [
            curl,
            "-sf",
            "-H",
            "Transfer-Encoding: chunked",
            "--data-urlencode",
            f"to={NUMBER}",
            "-d",
            "text=hello",
            gateway.url,
        ],
        check=True,
        timeout=20,
        capture_output=True,
    )

    assert inbox.wait(number=NUMBER, timeout=0).text == "hello"


@pytest.fixture
def curl() -> str:
    found = shutil.which("curl")
    assert found, "install the Debian package curl"
    return found


@pytest.mark.parametrize(
    "options",
    [
        ["-F", f"to={NUMBER}", "-F", "text=Your code is 123456"],
        ["-F", f"to={NUMBER}", "-F", "text=<-"],
        [
            "-H",
            "Content-Type:",
            "--data-urlencode",
            f"to={NUMBER}",
            "--data-urlencode",
            "text=Your code is 123456",
        ],
        ["--json", json.dumps({"to": NUMBER, "text": "Your code is 123456"})],
    ],
)
def test_what_curl_sends_reaches_the_inbox(
    gateway: HttpGateway, inbox: Inbox, curl: str, options: list[str]
) -> None:
    ran = subprocess.run(
        [curl, "-sS", "--max-time", "10", *options, gateway.url],
        input="Your code is 123456",
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.startswith("OK "), ran.stdout + ran.stderr
    assert inbox.wait(number=NUMBER, timeout=0).text == "Your code is 123456"


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("coding", PACKED)
def test_a_packed_body_is_unpacked(gateway: HttpGateway, inbox: Inbox, coding: str) -> None:
    body = PACKED[coding](json.dumps({"to": NUMBER, "text": "hello"}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    with urllib.request.urlopen(urllib.request.Request(gateway.url, body, headers), timeout=10):
        pass

    assert inbox.wait(number=NUMBER, timeout=0).text == "hello"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (("application/json", "", b'{"to": ["+491", "+492"], "text": "x"}'), "'to' has 2 numbers"),
        (
            ("application/json", "", b'[{"to": "+491", "text": "x"}, {"to": "+492", "text": "y"}]'),
            "has 2 messages",
        ),
        (
            ("application/x-www-form-urlencoded", "", b"to=%2B491701,%2B491702&text=x"),
            "more than one phone number",
        ),
        (
            ("application/x-www-form-urlencoded", "", b"to=%2B491701;00491702&text=x"),
            "more than one phone number",
        ),
        (
            ("application/x-www-form-urlencoded", "", b"to=%2B491&to=%2B492&text=x"),
            "'to' came more than once",
        ),
        (
            ("application/x-www-form-urlencoded", "", b"To[]=%2B491&to[]=%2B492&text=x"),
            "'to[]' came more than once",
        ),
        (("application/json", "", b'{"to": "+491701 +491702", "text": "x"}'), "more than one phone number"),
        (("application/json", "", b'{"to": "+491701|01702", "text": "x"}'), "more than one phone number"),
        (
            ("application/json", "", b'{"to": "01701234567 01711234567", "text": "x"}'),
            "more than one phone number",
        ),
        (
            ("application/x-www-form-urlencoded", "", b'{"to": "+491701", "text": "x"}'),
            "the body looks like JSON, which needs Content-Type: application/json",
        ),
        (("text/plain", "", b' [{"to": "+491701"}]'), "the body looks like JSON"),
        (("", "", b'{"to": "+491701"}'), "the body looks like JSON"),
        (("application/json", "", b'{"to": "+491", "To": "+492", "text": "x"}'), "'To' came more than once"),
        (
            ("application/json", "", b'{"to": ["+491"], "to": ["+492"], "text": "x"}'),
            "'to' came more than once",
        ),
        (
            ("application/json", "", b'{"to": "+491701234567", "mobile": "+491701234568", "text": "x"}'),
            "to and mobile hold different phone numbers",
        ),
        (
            ("application/x-www-form-urlencoded", "", b"phone=01701234567&to=%2B491711234567&text=x"),
            "phone and to hold different phone numbers",
        ),
        (("application/json", "", b'{"to": "+491701", "text": ["x", "y"]}'), "'text' has 2 texts"),
        (("application/x-www-form-urlencoded", "", b"to=1701&text=x&text=y"), "'text' came more than once"),
        (("text/plain", "", b"to=%2B491701&text=x"), "Content-Type 'text/plain' and is not read"),
        (("", "", b"<sms><to>1</to></sms>"), "no Content-Type and is not read"),
        (("multipart/form-data", "", b"to=1"), "has no part that can be read"),
        (("multipart/form-data; boundary=x", "", b""), "has no part that can be read"),
        (("application/json", "br", b"x"), "Content-Encoding 'br' is not known"),
        (("application/json", "gzip", b"{}"), "not packed as its Content-Encoding says"),
        (("application/json", "gzip", gzip.compress(b"{}", mtime=0)[:-9]), "ends too early"),
        (("application/json", "gzip", gzip.compress(bytes(10_000_000), mtime=0)), "once it is unpacked"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    gateway: HttpGateway, inbox: Inbox, sent: tuple[str, str, bytes], reason: str
) -> None:
    content_type, coding, body = sent
    lines = [b"POST /sms HTTP/1.1", b"Host: x", b"Connection: close", b"Content-Length: %d" % len(body)]
    lines += [b"Content-Type: " + content_type.encode()] * bool(content_type)
    lines += [b"Content-Encoding: " + coding.encode()] * bool(coding)

    answer = exchange(gateway, b"\r\n".join(lines) + b"\r\n\r\n" + body).decode()

    assert answer.split()[1] in ("400", "413", "415")
    assert reason in answer
    assert len(inbox) == 0


def test_a_list_of_one_number_and_the_same_number_twice_are_one_message(
    gateway: HttpGateway, inbox: Inbox
) -> None:
    body = b"to[]=%2B491701234567&TO=%2B491701234567&tel=0170+1234567&recipient=Bob&text=hello"
    request = urllib.request.Request(f"{gateway.url}/sms?to=%2B491701234567", body)
    with urllib.request.urlopen(request, timeout=10):
        pass

    assert inbox.wait(number=NUMBER, timeout=0).text == "hello"
