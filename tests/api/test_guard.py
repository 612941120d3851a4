"""Nobody else's web page can read or change the inbox."""

import http.client
import re
from pathlib import Path

import pytest

import smsotp_mocks
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.page.server import InboxPage

PAGE = Path(smsotp_mocks.__file__).parent / "page" / "static"


def status(page: InboxPage, method: str, path: str, headers: dict[str, str], body: str | None = None) -> int:
    connection = http.client.HTTPConnection(page.host, page.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost", "LOCALHOST:1", "[::1]:8025", "192.0.2.7"])
def test_an_address_may_name_the_page(page: InboxPage, host: str) -> None:
    assert status(page, "GET", "/", {"Host": host}) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "x@127.0.0.1.nip.io"],
)
@pytest.mark.parametrize("path", ["/", "/api/messages", "/api/events"])
def test_another_name_that_points_here_is_refused(page: InboxPage, host: str, path: str) -> None:
    assert status(page, "GET", path, {"Host": host}) == 421


def test_the_name_that_the_page_listens_on_may_name_it(smsotp_inbox: Inbox) -> None:
    with InboxPage(smsotp_inbox) as page:
        # A name that this machine is known by cannot be had everywhere; only the request's Host counts.
        page.host = "Testbox.example"
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
        statuses = []
        for host in ("testbox.example:8025", "TESTBOX.example", "evil.testbox.example"):
            connection.request("GET", "/api/messages?limit=0", headers={"Host": host})
            with connection.getresponse() as answer:
                answer.read()
                statuses.append(answer.status)
        connection.close()

    assert statuses == [200, 200, 421]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_cannot_switch_a_fault(page: InboxPage, content_type: str) -> None:
    headers = {"Content-Type": content_type}

    assert status(page, "POST", "/api/gateways/http/faults", headers, '{"rule": "hang"}') == 415


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_page_cannot_clear_the_inbox(page: InboxPage, smsotp_inbox: Inbox, origin: str) -> None:
    smsotp_inbox.add(gateway="http", protocol="http", number="+49170", text="x", segments=1, wire={})

    assert status(page, "DELETE", "/api/messages", {"Origin": origin}) == 403
    assert len(smsotp_inbox) == 1


def test_the_page_itself_can(page: InboxPage) -> None:
    assert status(page, "DELETE", "/api/messages", {"Origin": f"http://{page.authority}"}) == 204


def test_every_answer_tells_browsers_to_be_strict(page: InboxPage) -> None:
    connection = http.client.HTTPConnection(page.host, page.port, timeout=20)
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    connection.close()

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("file", sorted(path.name for path in PAGE.iterdir()))
def test_the_page_brings_all_it_needs_and_makes_no_markup_of_texts(file: str) -> None:
    text = (PAGE / file).read_text()

    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|style=", text) == []
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text.replace("http://www.w3.org/2000/svg", "")) == []
