"""What an SMSC can do wrong, on a real socket, and what the submitter is told."""

import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    GatewayUnavailable,
    ProtocolViolation,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import DeliveryReceipt, GatewayContext
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.smpp.times import LinkTimes, SessionTimes

from .smpp_peer import (
    BIND_TRANSCEIVER,
    CLOCK,
    ENQUIRE_LINK,
    PASSWORD,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Peer,
    make_provider,
    pdu,
    within,
)

SUBMIT_RESP = RESPONSE | SUBMIT_SM


def message(text: str = "734921 is your code") -> Message:
    return Message(
        "ref",
        "bob",
        parse_number("+491701234567", None),
        SecretStr("734921"),
        SecretStr(text),
        CLOCK.time() + 300,
    )


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as listening:
        yield listening


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


@pytest.fixture
def provider(peer: Peer) -> Iterator[SmppProvider]:
    made = make_provider(peer.port)
    made.open()
    yield made
    peer.hang_up()
    made.close()


@pytest.fixture
def telling(peer: Peer) -> Iterator[tuple[SmppProvider, list[DeliveryReceipt]]]:
    """Give an open provider, and what it tells of delivery receipts."""
    told: list[DeliveryReceipt] = []
    settings = make_provider(peer.port).settings
    made = SmppProvider(GatewayContext("faulty", CLOCK, on_delivery_receipt=told.append), settings)
    made.open()
    yield made, told
    peer.hang_up()
    made.close()


@pytest.fixture
def submit(provider: SmppProvider, pool: ThreadPoolExecutor) -> "Submit":
    return Submit(provider, pool)


class Submit:
    """Submits in a thread of its own."""

    def __init__(self, provider: SmppProvider, pool: ThreadPoolExecutor) -> None:
        self._provider = provider
        self._pool = pool

    def __call__(self, text: str = "734921 is your code", seconds: float = 10) -> Future[Receipt]:
        return self._pool.submit(self._provider.submit, message(text), within(seconds))


def test_an_enquire_link_before_the_answer_to_the_bind_does_not_bind(peer: Peer, submit: Submit) -> None:
    future = submit()
    smsc = peer.accept()
    sequence = smsc.expect(BIND_TRANSCEIVER)

    smsc.send(pdu(ENQUIRE_LINK, 5))

    assert smsc.expect(RESPONSE | ENQUIRE_LINK) == 5
    smsc.send(pdu(RESPONSE | BIND_TRANSCEIVER, sequence, b"smsc\0"))
    smsc.answer_submit(b"77")
    assert future.result() == Receipt("77", 1)


def test_answers_out_of_order_reach_their_own_message(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept_bound()
    first = submit("one")
    _, first_sequence, _ = smsc.read()
    second = submit("two")
    _, second_sequence, _ = smsc.read()

    smsc.send(pdu(SUBMIT_RESP, second_sequence, b"for-two\0"))
    smsc.send(pdu(SUBMIT_RESP, first_sequence, b"for-one\0"))

    assert (first.result().gateway_id, second.result().gateway_id) == ("for-one", "for-two")


def test_pdus_in_pieces_of_one_byte_are_understood(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept()
    for byte in pdu(RESPONSE | BIND_TRANSCEIVER, smsc.expect(BIND_TRANSCEIVER), b"smsc\0"):
        smsc.send(bytes([byte]))
    future = submit()

    for byte in pdu(SUBMIT_RESP, smsc.expect(SUBMIT_SM), b"slow\0"):
        smsc.send(bytes([byte]))

    assert future.result() == Receipt("slow", 1)


@pytest.mark.parametrize(
    "garbage", [b"\0\0\0\x03", b"\xff\xff\xff\xff", b"\0" * 64, b"HTTP/1.1 400 Bad Request\r\n"]
)
def test_garbage_makes_the_outcome_unknown_and_a_new_session(
    peer: Peer, submit: Submit, garbage: bytes
) -> None:
    smsc = peer.accept_bound()
    future = submit()
    smsc.expect(SUBMIT_SM)

    smsc.send(garbage)

    with pytest.raises(ProtocolViolation, match="announced a PDU"):
        future.result()
    again = submit()
    peer.accept_bound().answer_submit(b"8")
    assert again.result() == Receipt("8", 1)


def test_an_unbind_in_mid_window_is_answered_and_answers_still_count(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept_bound()
    first = submit("one")
    first_sequence = smsc.expect(SUBMIT_SM)
    second = submit("two")
    smsc.expect(SUBMIT_SM)

    smsc.send(pdu(UNBIND, 9) + pdu(SUBMIT_RESP, first_sequence, b"1\0"))

    assert smsc.expect(RESPONSE | UNBIND) == 9
    assert first.result() == Receipt("1", 1)
    third = submit("three")
    smsc.close()
    with pytest.raises(Unknown):
        second.result()
    peer.accept_bound().answer_submit(b"3")
    assert third.result() == Receipt("3", 1)


def test_a_reset_after_the_submit_is_unknown(peer: Peer, submit: Submit) -> None:
    smsc = peer.accept_bound()
    future = submit()
    smsc.expect(SUBMIT_SM)

    smsc.reset()

    with pytest.raises(ProtocolViolation, match="lost"):
        future.result()


def test_a_reset_before_the_submit_is_mended_in_time(peer: Peer, submit: Submit) -> None:
    peer.accept_bound().reset()

    future = submit()

    peer.accept_bound().answer_submit(b"2")
    assert future.result() == Receipt("2", 1)


def test_a_lost_answer_is_unknown_and_makes_room_in_the_window(peer: Peer, pool: ThreadPoolExecutor) -> None:
    provider = make_provider(peer.port, WINDOW=1)
    provider.open()
    smsc = peer.accept_bound()

    lost = pool.submit(provider.submit, message("one"), within(0.2))
    late = smsc.expect(SUBMIT_SM)
    with pytest.raises(AnswerTimeout):
        lost.result()
    assert smsc.expect(ENQUIRE_LINK)

    next_one = pool.submit(provider.submit, message("two"), within(10))
    sequence = smsc.expect(SUBMIT_SM)
    smsc.send(pdu(SUBMIT_RESP, late, b"late\0") + pdu(SUBMIT_RESP, sequence, b"2\0"))
    assert next_one.result() == Receipt("2", 1)
    provider.close()


def test_a_full_window_is_certainly_not_sent(peer: Peer, pool: ThreadPoolExecutor) -> None:
    provider = make_provider(peer.port, WINDOW=1)
    provider.open()
    smsc = peer.accept_bound()
    first = pool.submit(provider.submit, message("one"), within(10))
    sequence = smsc.expect(SUBMIT_SM)

    with pytest.raises(GatewayUnavailable, match="WINDOW"):
        provider.submit(message("two"), within(0.1))

    smsc.send(pdu(SUBMIT_RESP, sequence, b"1\0"))
    assert first.result() == Receipt("1", 1)
    provider.close()
    assert smsc.expect(UNBIND)


def test_a_wrong_password_is_told_at_once_and_not_tried_again_and_again(peer: Peer, submit: Submit) -> None:
    future = submit()
    smsc = peer.accept()
    smsc.send(pdu(RESPONSE | BIND_TRANSCEIVER, smsc.expect(BIND_TRANSCEIVER), status=0x0E))

    with pytest.raises(AuthFailed, match="0x0E Invalid Password"):
        future.result()
    with pytest.raises(AuthFailed):
        submit().result()
    assert peer.no_client_within(0.5)


def test_a_peer_that_dies_silently_is_noticed(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = make_provider(peer.port)
    quick = LinkTimes(SessionTimes(idle=0.05, answer=0.05), first_pause=0.01)
    monkeypatch.setattr(provider._link, "_setup", replace(provider._link._setup, times=quick))
    provider.open()
    smsc = peer.accept_bound()

    assert smsc.expect(ENQUIRE_LINK)
    assert smsc.at_end()
    peer.accept_bound()
    provider.close()


def test_a_peer_that_reads_nothing_gets_no_more_than_the_system_buffers(
    peer: Peer, provider: SmppProvider
) -> None:
    peer.accept_bound()
    link = provider._link

    with pytest.raises(AnswerTimeout):
        link.wait(link.submit(bytes(8_000_000), within(0.3)))
    with pytest.raises(GatewayUnavailable, match="does not read"):
        link.wait(link.submit(b"", within(0.1)))


def test_a_message_that_was_not_written_completely_goes_out_with_the_next_session(
    peer: Peer, provider: SmppProvider
) -> None:
    smsc = peer.accept_bound()
    ticket = provider._link.submit(bytes(8_000_000), within(10))
    smsc.begin_to_read(SUBMIT_SM)

    smsc.reset()

    peer.accept_bound().answer_submit(b"2")
    assert provider._link.wait(ticket).message_id == "2"


def test_small_pdus_are_not_held_back_for_larger_packets(peer: Peer, provider: SmppProvider) -> None:
    peer.accept_bound()

    transport = provider._link._transport
    assert transport is not None
    assert transport._open_socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


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
        provider = make_provider(smsc.port, TLS=True)
        provider.open()
        began = CLOCK.monotonic()
        for _ in range(2):
            with pytest.raises(ConnectFailed, match="certificate is not accepted"):
                provider.submit(message(), within(10))
        assert CLOCK.monotonic() - began < 5
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


@pytest.mark.parametrize(
    ("rest", "defect"), [(b"\0", "1 stray octets"), (b"\x04\x27\xff\xff", "optional parameter 0x0427")]
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


def test_where_no_session_can_be_had_messages_are_given_back_at_once(peer: Peer, submit: Submit) -> None:
    first = submit(seconds=60)
    peer.accept().close()
    with pytest.raises(ConnectFailed):
        first.result()

    with pytest.raises(ConnectFailed, match="connection"):
        submit(seconds=60).result(timeout=1)


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
    before = threading.active_count()
    in_clear, encrypted = make_provider(peer.port), make_provider(peer.port, TLS=True, CHECK_SSL=False)
    for provider in (in_clear, encrypted):
        provider.open()
        peer.accept()
        began = CLOCK.monotonic()
        provider.close()
        provider.close()
        assert CLOCK.monotonic() - began < 2

    assert threading.active_count() == before


def test_a_closed_gateway_and_one_that_is_not_open_send_nothing(peer: Peer) -> None:
    provider = make_provider(peer.port)

    with pytest.raises(ConnectFailed):
        provider.submit(message(), within(5))
    provider.open()
    provider.close()
    with pytest.raises(ConnectFailed):
        provider.submit(message(), within(5))


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
