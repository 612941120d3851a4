import base64
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox

ACCOUNTS = Accounts()
CLICKATELL = {
    "user": ACCOUNTS.clickatell_user,
    "password": ACCOUNTS.clickatell_password,
    "api_id": ACCOUNTS.clickatell_api_id,
    "to": "491701234567",
    "text": "Your code is 123456",
}
GTX = {
    "user": ACCOUNTS.gtx_user,
    "pass": ACCOUNTS.gtx_password,
    "to": "491701234567",
    "text": "Your code is 123456",
}
TWILIO = {"To": "+491701234567", "From": "+15005550006", "Body": "Your code is 123456"}
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNTS.twilio_sid}/Messages"


def fetch(request: urllib.request.Request | str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def get(gateway: HttpGateway, path: str, fields: dict[str, str]) -> tuple[int, str]:
    status, _, body = fetch(f"{gateway.url}{path}?{urllib.parse.urlencode(fields)}")
    return status, body


def twilio(
    gateway: HttpGateway, path: str = MESSAGES + ".json", token: str = ACCOUNTS.twilio_token, **fields: str
) -> tuple[int, str, str]:
    form = {name: value for name, value in (TWILIO | fields).items() if value}
    credentials = base64.b64encode(f"{ACCOUNTS.twilio_sid}:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return fetch(urllib.request.Request(gateway.url + path, urllib.parse.urlencode(form).encode(), headers))


def test_clickatell_takes_a_message(gateway: HttpGateway, inbox: Inbox) -> None:
    status, body = get(gateway, "/http/sendmsg", CLICKATELL)

    assert (status, body[:4], len(body)) == (200, "ID: ", 36)
    assert inbox.wait("+491701234567", "clickatell", timeout=0).code == "123456"


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"password": "wrong"}, "ERR: 001, Authentication failed"),
        ({"api_id": ""}, "ERR: 108, Invalid or missing API ID"),
        ({"to": "+491701234567"}, "ERR: 105, Invalid Destination Address"),
        ({"to": "00491701234567"}, "ERR: 105, Invalid Destination Address"),
        ({"text": ""}, "ERR: 107, Empty message"),
        ({"text": "zz", "unicode": "1"}, "ERR: 116, Invalid unicode data"),
        ({"text": "x" * 161, "concat": "1"}, "ERR: 113, Maximum message parts exceeded"),
        ({"text": "0041" * 71, "unicode": "1", "concat": "1"}, "ERR: 113, Maximum message parts exceeded"),
        ({"text": "x" * 460}, "ERR: 113, Maximum message parts exceeded"),
    ],
)
def test_clickatell_answers_an_error_with_200(
    gateway: HttpGateway, inbox: Inbox, change: dict[str, str], body: str
) -> None:
    assert (200, body) == get(gateway, "/http/sendmsg", CLICKATELL | change)
    assert len(inbox) == 0


def test_clickatell_decodes_hex_unicode(gateway: HttpGateway, inbox: Inbox) -> None:
    get(gateway, "/http/sendmsg", CLICKATELL | {"unicode": "1", "text": "20ac".upper()})

    assert inbox.messages()[0].text == "€"


@pytest.mark.parametrize(
    "change",
    [
        {"text": "x" * 459},
        {"text": "x" * 460, "concat": "4"},
        {"text": "0041" * 134, "unicode": "1", "concat": "2"},
    ],
)
def test_clickatell_takes_as_many_parts_as_it_is_told(
    gateway: HttpGateway, inbox: Inbox, change: dict[str, str]
) -> None:
    assert get(gateway, "/http/sendmsg", CLICKATELL | change)[1].startswith("ID: ")
    assert len(inbox) == 1


def test_clickatell_misses_a_parameter(gateway: HttpGateway) -> None:
    fields = {name: value for name, value in CLICKATELL.items() if name != "to"}

    assert get(gateway, "/http/sendmsg", fields)[1] == "ERR: 101, Invalid or missing parameters"


def test_gtx_takes_a_message(gateway: HttpGateway, inbox: Inbox) -> None:
    status, body = get(gateway, "/smsc.php", GTX)

    assert (status, body[:7]) == (200, "200 OK ")
    assert inbox.wait("+491701234567", "gtx", timeout=0).code == "123456"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"pass": "wrong"}, 401), ({"user": ""}, 400), ({"text": ""}, 400), ({"to": "+49170123"}, 400)],
)
def test_gtx_refuses(gateway: HttpGateway, change: dict[str, str], status: int) -> None:
    answer = get(gateway, "/smsc.php", GTX | change)

    assert status == answer[0]
    assert answer[1].startswith(f"{status} ")


@pytest.mark.parametrize(("change", "text"), [({}, "Ã¼"), ({"t": "UNICODE"}, "ü"), ({"coding": "ucs2"}, "ü")])
def test_gtx_needs_to_be_told_of_unicode(
    gateway: HttpGateway, inbox: Inbox, change: dict[str, str], text: str
) -> None:
    get(gateway, "/smsc.php", GTX | {"text": "ü"} | change)

    assert text == inbox.messages()[0].text


def test_twilio_takes_a_message_and_answers_json(gateway: HttpGateway, inbox: Inbox) -> None:
    status, content_type, body = twilio(gateway)
    resource = json.loads(body)

    assert (status, content_type) == (201, "application/json")
    assert (resource["status"], resource["to"], len(resource["sid"])) == ("queued", "+491701234567", 34)
    assert inbox.wait("+491701234567", "twilio", timeout=0).code == "123456"


@pytest.mark.parametrize("path", [MESSAGES, MESSAGES + ".xml"])
def test_twilio_takes_a_message_and_answers_xml(gateway: HttpGateway, path: str) -> None:
    status, content_type, body = twilio(gateway, path, Body="a < b & c")
    message = ET.fromstring(body).find("Message")

    assert (status, content_type) == (201, "application/xml")
    assert message is not None
    assert (message.findtext("Body"), message.findtext("Status")) == ("a < b & c", "queued")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"token": "wrong"}, 401, 20003),
        ({"To": ""}, 400, 21604),
        ({"To": "491701234567"}, 400, 21211),
        ({"From": ""}, 400, 21603),
        ({"From": " 15005550006"}, 400, 21212),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"path": "/2010-04-01/Accounts/ACother/Messages.json"}, 404, 20404),
    ],
)
def test_twilio_refuses_in_json(
    gateway: HttpGateway, inbox: Inbox, change: dict[str, str], status: int, code: int
) -> None:
    answer = twilio(gateway, **change)
    problem = json.loads(answer[2])

    assert (status, status, code) == (answer[0], problem["status"], problem["code"])
    assert len(inbox) == 0


def test_twilio_refuses_in_xml(gateway: HttpGateway) -> None:
    status, _, body = twilio(gateway, MESSAGES, To="0170")

    assert (status, ET.fromstring(body).findtext("RestException/Code")) == (400, "21211")


@pytest.mark.parametrize(
    ("number", "status", "code"), [("009", 429, 20429), ("010", 400, 21610), ("011", 503, 20503)]
)
def test_twilio_has_trouble(gateway: HttpGateway, number: str, status: int, code: int) -> None:
    answer = twilio(gateway, To=f"+4915550100{number}")

    assert (status, code) == (answer[0], json.loads(answer[2])["code"])


@pytest.mark.parametrize(("number", "code"), [("009", "130"), ("010", "114"), ("011", "901")])
def test_clickatell_has_trouble(gateway: HttpGateway, number: str, code: str) -> None:
    status, body = get(gateway, "/http/sendmsg", CLICKATELL | {"to": f"4915550100{number}"})

    assert (200, f"ERR: {code}") == (status, body[:8])
