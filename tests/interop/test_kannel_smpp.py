"""Kannel's bearerbox as a client of the SMPP mock: what it sends, and what it makes of the mock's answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smpp.receipts import IdForm, ReceiptPolicy, State
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates

from .kannel import Kannel

NUMBER = "+491701234567"
ACCEPTED = (202, "0: Accepted for delivery")


@pytest.fixture
def kannel(smsc: Smsc, tmp_path: Path) -> Iterator[Kannel]:
    with Kannel(tmp_path, smsc) as running:
        running.wait_until_bound()
        yield running


def test_it_binds_and_sends(kannel: Kannel, smsc: Smsc, inbox: Inbox) -> None:
    assert kannel.send(NUMBER, "Your code is 123456") == ACCEPTED

    message = inbox.wait(NUMBER, timeout=60)
    assert (message.text, message.wire["sender"]) == ("Your code is 123456", "smsotp")
    assert smsc.bound == (("smpp-user", "bind_transceiver"),)


@pytest.mark.parametrize(
    ("text", "coding", "segments"),
    [
        ("Schlüssel für Zoé: €{}[]~\\^| 123456", "0", 1),
        ("Ваш код 123456", "2", 1),
        ("Your code is 123456." * 20, "0", 3),
        ("Ваш код 123456." * 10, "2", 3),
        ("🔑 123456", "2", 1),
    ],
)
def test_its_texts_arrive_whole(kannel: Kannel, inbox: Inbox, text: str, coding: str, segments: int) -> None:
    kannel.send(NUMBER, text, coding=coding)

    message = inbox.wait(NUMBER, timeout=60)
    assert (message.text, message.segments) == (text, segments)


@pytest.mark.parametrize(("state", "kind"), [("DELIVRD", "1"), ("UNDELIV", "2"), ("EXPIRED", "34")])
def test_it_reads_delivery_receipts(
    kannel: Kannel, smsc: Smsc, reports: HttpGateway, state: State, kind: str
) -> None:
    smsc.receipts = ReceiptPolicy(state)

    kannel.send(NUMBER, "123456", **{"dlr-mask": "3", "dlr-url": f"{reports.url}/?to=%p&text=%d+%A"})

    report = reports.inbox.wait(NUMBER, timeout=60).text
    assert report.startswith(f"{kind} id:")
    assert f"stat:{state}" in report


@pytest.mark.parametrize(
    ("submit_ids", "receipt_ids", "setting"),
    [("hex", "hex", "0x03"), ("hex", "decimal", "0x01"), ("decimal", "hex", "0x02")],
)
def test_it_matches_ids_however_they_are_spelled(  # noqa: PLR0917  (fixtures and parameters)
    smsc: Smsc,
    reports: HttpGateway,
    tmp_path: Path,
    submit_ids: IdForm,
    receipt_ids: IdForm,
    setting: str,
) -> None:
    smsc.receipts = ReceiptPolicy(submit_ids=submit_ids, receipt_ids=receipt_ids)
    settings = f"port = {smsc.port}\ntransceiver-mode = true\nmsg-id-type = {setting}"

    with Kannel(tmp_path, smsc, settings) as kannel:
        kannel.wait_until_bound()
        kannel.send(NUMBER, "123456", **{"dlr-mask": "1", "dlr-url": f"{reports.url}/?to=%p&text=%d"})

        assert reports.inbox.wait(NUMBER, timeout=60).text == "1"


def test_it_comes_back_after_being_throttled(kannel: Kannel, smsc: Smsc, inbox: Inbox) -> None:
    smsc.faults.add("throttle once")

    kannel.send(NUMBER, "123456")

    inbox.wait(NUMBER, timeout=60)
    assert [entry.reason for entry in smsc.requests if entry.verdict == "fault"] == ["throttle"]


def test_it_reports_a_refused_number(kannel: Kannel, smsc: Smsc, reports: HttpGateway) -> None:
    smsc.faults.add("refuse")

    kannel.send(NUMBER, "123456", **{"dlr-mask": "16", "dlr-url": f"{reports.url}/?to=%p&text=%d+%A"})

    assert reports.inbox.wait(NUMBER, timeout=60).text.startswith("16 NACK/0x0000000b/")


def test_it_understands_a_wrong_password(smsc: Smsc, tmp_path: Path) -> None:
    # A bearerbox 1.4.5 that is refused before it has started its own threads panics.
    smsc.faults.add("delay 60s at bind once")
    with Kannel(tmp_path, smsc, password="guess") as kannel:
        smsc.faults.release()
        kannel.bearerbox.wait_for("Invalid Password")

    assert smsc.bound == ()


def test_it_binds_again_after_an_unbind(kannel: Kannel, smsc: Smsc, inbox: Inbox) -> None:
    before = kannel.bearerbox.mark()

    smsc.send_unbind()
    kannel.wait_until_bound(before)
    kannel.send(NUMBER, "123456")

    inbox.wait(NUMBER, timeout=60)


def test_it_answers_an_enquire_link(kannel: Kannel, smsc: Smsc) -> None:
    assert smsc.send_enquire_link() == 1

    kannel.bearerbox.wait_for("type_name: enquire_link_resp")


def test_its_own_enquire_link_is_answered(smsc: Smsc, tmp_path: Path) -> None:
    settings = f"port = {smsc.port}\ntransceiver-mode = true\nenquire-link-interval = 1"

    with Kannel(tmp_path, smsc, settings) as kannel:
        kannel.bearerbox.wait_for("type_name: enquire_link_resp")


def test_transmitter_and_receiver_may_be_two_sessions(
    smsc: Smsc, inbox: Inbox, reports: HttpGateway, tmp_path: Path
) -> None:
    smsc.receipts = ReceiptPolicy(automatic=False)
    with Kannel(tmp_path, smsc, f"port = {smsc.port}", receiver=True) as kannel:
        kannel.wait_until_bound(answer="bind_transmitter_resp")
        kannel.wait_until_bound(answer="bind_receiver_resp")
        kannel.send(NUMBER, "123456", **{"dlr-mask": "1", "dlr-url": f"{reports.url}/?to=%p&text=%d"})
        # A receipt that overtakes the answer to its message is lost on Kannel.
        kannel.bearerbox.wait_for("Adding DLR")
        smsc.send_receipt(*inbox.wait(NUMBER).wire["message_ids"])

        assert reports.inbox.wait(NUMBER, timeout=60).text == "1"
        assert sorted(smsc.bound) == [("smpp-user", "bind_receiver"), ("smpp-user", "bind_transmitter")]


def test_it_speaks_tls(inbox: Inbox, certificates: Certificates, authority: Path, tmp_path: Path) -> None:
    with Smsc(inbox, tls=certificates.server_context()) as smsc:
        settings = f"port = {smsc.port}\ntransceiver-mode = true\nuse-ssl = true"
        with Kannel(tmp_path, smsc, settings, core=f'ssl-trusted-ca-file = "{authority}"') as kannel:
            kannel.wait_until_bound()
            kannel.send(NUMBER, "123456")

            inbox.wait(NUMBER, timeout=60)
