import contextlib
import http.client
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox


def send(gateway: HttpGateway, number: str = "%2B49170") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    try:
        connection.request("GET", f"/?to={number}&text=123456")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("rule", "status", "arrived"),
    [
        ("throttle", 429, 0),
        ("refuse", 400, 0),
        ("unavailable", 503, 0),
        ("lose", 200, 0),
        ("duplicate", 200, 2),
        ("delay 1ms", 200, 1),
        ("status 507 full", 507, 0),
        ("answer 202 queued", 202, 1),
    ],
)
def test_an_answer_that_differs(
    gateway: HttpGateway, inbox: Inbox, rule: str, status: int, arrived: int
) -> None:
    gateway.faults.add(rule)

    assert status == send(gateway)[0]
    assert arrived == len(inbox)


@pytest.mark.parametrize(
    ("rule", "error", "arrived"),
    [
        ("reset-before", ConnectionResetError, 0),
        ("reset-after", ConnectionResetError, 1),
        ("garbage", http.client.BadStatusLine, 1),
        ("half 10", http.client.BadStatusLine, 1),
        ("half 125", http.client.IncompleteRead, 1),
    ],
)
def test_an_answer_that_is_none(
    gateway: HttpGateway, inbox: Inbox, rule: str, error: type[Exception], arrived: int
) -> None:
    gateway.faults.add(rule)

    with pytest.raises(error):
        send(gateway)
    assert arrived == len(inbox)


@pytest.mark.parametrize(("rule", "arrived"), [("hang", 0), ("mute", 1)])
def test_no_answer_until_released(gateway: HttpGateway, inbox: Inbox, rule: str, arrived: int) -> None:
    gateway.faults.add(rule)
    failures: list[Exception] = []

    def client() -> None:
        try:
            send(gateway)
        except http.client.RemoteDisconnected as error:
            failures.append(error)

    thread = threading.Thread(target=client)
    thread.start()
    while thread.is_alive():
        gateway.faults.release()
        thread.join(0.01)

    assert (1, arrived) == (len(failures), len(inbox))


class Released(HttpGateway):
    """Is released when it has taken a fault, and before it waits."""

    def note(self, *args: Any, **kwargs: Any) -> None:
        super().note(*args, **kwargs)
        self.faults.release()


def test_a_release_is_not_lost_on_a_delay_that_is_about_to_begin(inbox: Inbox) -> None:
    with Released(inbox) as gateway:
        gateway.faults.add("delay 60s")

        assert send(gateway)[0] == 200
    assert len(inbox) == 1


def test_stop_does_not_wait_for_a_hang(inbox: Inbox) -> None:
    gateway = HttpGateway(inbox).start()
    gateway.faults.add("mute")

    def client() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            send(gateway)

    thread = threading.Thread(target=client)
    thread.start()
    inbox.wait(timeout=10)

    gateway.stop()
    thread.join()

    assert gateway.connections == 0


def test_a_magic_number_works_without_a_rule(gateway: HttpGateway, inbox: Inbox) -> None:
    assert send(gateway, "4915550100009")[0] == 429
    assert len(inbox) == 0


def test_a_fault_may_name_a_face(gateway: HttpGateway) -> None:
    gateway.faults.add("status 500 at gtx")

    assert send(gateway)[0] == 200
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(
            f"{gateway.url}/smsc.php?user=gtx-user&pass=gtx-password&to=49170123456&text=x", timeout=10
        )
    failure.value.close()
    assert failure.value.code == 500


def test_a_rule_that_names_a_face_goes_before_the_magic_and_before_later_rules(gateway: HttpGateway) -> None:
    gateway.faults.add("status 507 at http 2 times; throttle")

    assert [send(gateway, number)[0] for number in ("4915550100001", "%2B49170", "%2B49170")] == [
        507,
        507,
        429,
    ]


def test_a_fault_is_journaled(gateway: HttpGateway) -> None:
    gateway.faults.add("throttle")
    send(gateway)

    assert [(entry.verdict, entry.reason) for entry in gateway.requests] == [("fault", "throttle")]
