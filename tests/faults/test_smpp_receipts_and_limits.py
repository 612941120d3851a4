"""Long texts, receipts, certificates, limits and ends of a session with a real socket, and what the submitter is told."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_plugin.errors import (
    BadRecipient,
    ConnectFailed,
    ProtocolViolation,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import DeliveryReceipt
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.sms.message import Receipt
from tests.support.unclosed import own_threads

from .smpp_peer import (
    BIND_TRANSCEIVER,
    ENQUIRE_LINK,
    PASSWORD,
    RESPONSE,
    SUBMIT_RESP,
    SUBMIT_SM,
    Peer,
    Submit,
    make_provider,
    message,
    pdu,
    within,
)

#: Seconds, the most that TIMEOUT may be: whoever waits for it fails at the limit of a test.
LONG = 120


def test_a_certificate_must_hold_the_name_that_is_configured(tmp_path: Path) -> None:
    certificates = Certificates()
    authority = str(certificates.write_authority(tmp_path / "ca.pem"))
    with Smsc(Inbox(), host="127.0.0.2", tls=certificates.server_context("good")) as smsc:
        table = {**smsc.configuration()["gateways.smpp"], "TLS": True, "CHECK_SSL": authority}
        provider = make_provider(smsc.port, **table)
        provider.open()
        with pytest.raises(ConnectFailed, match="certificate is not accepted"):
            provider.submit(message(), within(10))
        provider.close()


def test_a_certificate_that_is_not_accepted_is_told_at_once() -> None:
    with Smsc(Inbox(), tls=Certificates().server_context("good")) as smsc:
        provider = make_provider(smsc.port, TLS=True, TIMEOUT=LONG)
        provider.open()
        for _ in range(2):
            with pytest.raises(ConnectFailed, match="certificate is not accepted"):
                provider.submit(message(), within(LONG))
        provider.close()


def test_a_long_text_that_is_refused_at_once_sends_no_second_part(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept_bound()
    future = submit("x" * 300)
    smsc.answer_submit(status=0x0B)

    with pytest.raises(BadRecipient):
        future.result()
    smsc.send(pdu(ENQUIRE_LINK, 3))
    assert smsc.expect(RESPONSE | ENQUIRE_LINK) == 3


def test_a_long_text_that_is_refused_in_the_middle_is_unknown(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept_bound()
    future = submit("x" * 400)
    for number, status in enumerate([0, 0x58, 0]):
        smsc.answer_submit(str(number).encode(), status)

    with pytest.raises(Unknown, match="took 2 parts of the text, and then: the SMSC answered 0x58"):
        future.result()


def receipt(text: bytes) -> bytes:
    return b"\0\1\x01491701234567\0\5\0me\0\x04\0\0\0\0\0\0\0\0" + bytes([len(text)]) + text


def test_a_receipt_before_and_right_behind_the_answer_finds_its_message(
    peer: Peer, pool: ThreadPoolExecutor, telling: tuple[SmppProvider, list[DeliveryReceipt]]
) -> None:
    provider, told = telling
    smsc = peer.accept_bound()
    future = pool.submit(provider.submit, message(), within(10))
    receipt_of_255 = receipt(b"id:255 sub:001 dlvrd:001 stat:DELIVRD err:000 text:734921")

    smsc.send(pdu(SUBMIT_RESP, smsc.expect(SUBMIT_SM), b"0000ff\0") + pdu(5, 70, receipt_of_255))

    assert future.result() == Receipt("0000ff", 1)
    assert smsc.expect(RESPONSE | 5) == 70
    assert told == [DeliveryReceipt("faulty", "0000ff", "delivered", "DELIVRD")]


@pytest.mark.parametrize("is_early", [True, False])
def test_a_code_in_the_place_of_an_error_code_is_not_told_and_an_error_code_is(
    peer: Peer,
    pool: ThreadPoolExecutor,
    telling: tuple[SmppProvider, list[DeliveryReceipt]],
    *,
    is_early: bool,
) -> None:
    provider, told = telling
    smsc = peer.accept_bound()
    sms = replace(message("4821 is your code"), otp=SecretStr("4821"))
    future = pool.submit(provider.submit, sms, within(10))
    taken = pdu(SUBMIT_RESP, smsc.expect(SUBMIT_SM), b"77\0")
    spelt = (b"id:77 stat:UNDELIV err:4821", b"id:77 stat:ENROUTE err:4822")
    receipts = [pdu(5, sequence, receipt(text)) for sequence, text in enumerate(reversed(spelt), 70)]

    if is_early:
        smsc.send(receipts[0] + receipts[1] + taken)
    else:
        smsc.send(taken)
        future.result()
        smsc.send(receipts[0] + receipts[1])

    future.result()
    assert [smsc.expect(RESPONSE | 5) for _ in receipts] == [70, 71]
    assert [each.detail for each in told] == ["ENROUTE, error 4822", "UNDELIV, error ***"]


@pytest.mark.parametrize(
    ("rest", "defect"), [(b"\0", "1 stray octet stands"), (b"\x04\x27\xff\xff", "optional parameter 0x0427")]
)
def test_receipts_with_something_behind_them_count_and_are_told_of_once(  # noqa: PLR0917  (pytest hands fixtures by name)
    peer: Peer,
    pool: ThreadPoolExecutor,
    telling: tuple[SmppProvider, list[DeliveryReceipt]],
    caplog: pytest.LogCaptureFixture,
    rest: bytes,
    defect: str,
) -> None:
    provider, told = telling
    smsc = peer.accept_bound()
    for sequence in (70, 71):
        future = pool.submit(provider.submit, message(), within(10))
        smsc.send(pdu(SUBMIT_RESP, smsc.expect(SUBMIT_SM), b"7%d\0" % sequence))
        future.result()
        smsc.send(pdu(5, sequence, receipt(b"id:7%d stat:DELIVRD text:734921" % sequence) + rest))
        assert smsc.expect(RESPONSE | 5) == sequence
    provider.close()

    assert [each.gateway_id for each in told] == ["770", "771"]
    assert caplog.text.count(defect) == 1


def test_a_receipt_that_cannot_be_read_leaves_a_line_in_the_log(
    peer: Peer, provider: SmppProvider, caplog: pytest.LogCaptureFixture
) -> None:
    smsc = peer.accept_bound()

    smsc.send(pdu(5, 70, b"\0\1\1"))

    assert smsc.expect(RESPONSE | 5) == 70
    provider.close()
    assert "a delivery receipt is lost: a string in a PDU of the SMSC has no end" in caplog.text


def test_a_receipt_before_the_answer_finds_its_message_in_another_spelling(
    peer: Peer, pool: ThreadPoolExecutor, telling: tuple[SmppProvider, list[DeliveryReceipt]]
) -> None:
    provider, told = telling
    smsc = peer.accept_bound()
    future = pool.submit(provider.submit, message(), within(10))
    sequence = smsc.expect(SUBMIT_SM)

    smsc.send(pdu(5, 70, receipt(b"id:255 stat:DELIVRD err:000 text:734921")))
    assert smsc.expect(RESPONSE | 5) == 70
    smsc.send(pdu(SUBMIT_RESP, sequence, b"0000FF\0"))

    assert future.result() == Receipt("0000FF", 1)
    provider.close()
    assert told == [DeliveryReceipt("faulty", "0000FF", "delivered", "DELIVRD")]


def test_a_password_longer_than_smpp_has_room_for_is_sent_whole(peer: Peer) -> None:
    provider = make_provider(
        peer.port, SYSTEM_ID="account-with-18-ch", PASSWORD="correct horse", SYSTEM_TYPE="a" * 13
    )
    provider.open()
    _, _, bind = peer.accept().read()
    peer.hang_up()
    provider.close()

    assert bind == b"account-with-18-ch\0correct horse\0" + b"a" * 13 + b"\0\x34\0\0\0"


def test_where_no_session_can_be_had_messages_are_given_back_at_once(
    peer: Peer, pool: ThreadPoolExecutor
) -> None:
    provider = make_provider(peer.port, TIMEOUT=LONG)
    provider.open()
    first = pool.submit(provider.submit, message(), within(LONG))
    peer.accept().close()
    peer.stop_listening()
    with pytest.raises(ConnectFailed):
        first.result()

    with pytest.raises(ConnectFailed, match="connection"):
        provider.submit(message(), within(LONG))
    provider.close()


@pytest.mark.shows_secrets
def test_the_debug_level_shows_what_was_submitted_and_answered(
    peer: Peer, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    provider = make_provider(peer.port, LOG_LEVEL="debug")
    provider.open()
    smsc = peer.accept_bound()
    future = pool.submit(provider.submit, message("734921 is your code"), within(10))
    smsc.answer_submit(b"77")
    future.result()
    peer.hang_up()
    provider.close()

    said = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    assert [line for line in said if "734921 is your code" in line and "491701234567" in line]
    assert [line for line in said if "id '77'" in line and "0x00" in line]


def test_tps_is_how_many_messages_a_second_may_go(peer: Peer, pool: ThreadPoolExecutor) -> None:
    provider = make_provider(peer.port, TPS=0.001)
    provider.open()
    smsc = peer.accept_bound()
    first = pool.submit(provider.submit, message("one"), within(10))
    smsc.answer_submit()
    first.result()

    with pytest.raises(Throttled) as caught:
        provider.submit(message("two"), within(10))
    peer.hang_up()
    provider.close()

    assert caught.value.retry_after == pytest.approx(1000, abs=10)


def test_closing_during_the_bind_and_during_the_handshake_is_quick_and_leaves_nothing(peer: Peer) -> None:
    before = own_threads()
    in_clear = make_provider(peer.port, TIMEOUT=LONG)
    encrypted = make_provider(peer.port, TIMEOUT=LONG, TLS=True, CHECK_SSL=False)
    for provider in (in_clear, encrypted):
        provider.open()
        peer.accept()
        provider.close()
        provider.close()

    assert own_threads() <= before


def test_a_closed_gateway_and_one_that_is_not_open_send_nothing(peer: Peer) -> None:
    provider = make_provider(peer.port)

    with pytest.raises(ConnectFailed):
        provider.submit(message(), within(30))
    provider.open()
    provider.close()
    with pytest.raises(ConnectFailed):
        provider.submit(message(), within(30))


def test_messages_that_wait_when_the_gateway_is_closed_are_told_so(
    peer: Peer, pool: ThreadPoolExecutor
) -> None:
    provider = make_provider(peer.port)
    provider.open()
    smsc = peer.accept()
    smsc.expect(BIND_TRANSCEIVER)
    future = pool.submit(provider.submit, message(), within(10))

    provider.close()

    with pytest.raises(ConnectFailed, match="closed"):
        future.result()


def test_an_smsc_in_clear_where_tls_is_wanted_is_no_connection(peer: Peer, pool: ThreadPoolExecutor) -> None:
    provider = make_provider(peer.port, TLS=True, CHECK_SSL=False)
    provider.open()
    future = pool.submit(provider.submit, message(), within(0.5))
    peer.accept().send(pdu(ENQUIRE_LINK, 1) * 10)

    with pytest.raises(ConnectFailed):
        future.result()
    provider.close()


def test_no_log_holds_password_code_or_number(
    peer: Peer, submit: Submit, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    smsc = peer.accept_bound()
    future = submit()
    smsc.answer_submit()
    future.result()
    broken = submit()
    smsc.expect(SUBMIT_SM)
    smsc.send(b"\xff" * 20)
    with pytest.raises(ProtocolViolation):
        broken.result()

    logged = caplog.text + " ".join(str(record.args) for record in caplog.records)
    assert "announced a PDU" in logged
    for secret in (PASSWORD, "734921", "1701234567", PASSWORD.encode().hex(), b"734921".hex()):
        assert secret not in logged
