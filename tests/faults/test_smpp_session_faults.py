"""What an SMSC can do wrong, on a real socket, and what the submitter is told."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    GatewayUnavailable,
    ProtocolViolation,
    Unknown,
)
from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.wire.smpp.times import LinkTimes, SessionTimes
from tests.support.clock import FakeClock

from .smpp_peer import (
    BIND_TRANSCEIVER,
    CLOCK,
    ENQUIRE_LINK,
    RESPONSE,
    SUBMIT_RESP,
    SUBMIT_SM,
    UNBIND,
    Peer,
    Submit,
    make_provider,
    message,
    pdu,
    within,
)


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
    clock = FakeClock(CLOCK.time())
    provider = make_provider(peer.port, clock, WINDOW=1)
    provider.open()
    smsc = peer.accept_bound()

    lost = pool.submit(provider.submit, message("one"), Deadline.after(0.2, clock))
    late = smsc.expect(SUBMIT_SM)
    clock.advance(1.0)
    with pytest.raises(AnswerTimeout):
        lost.result()
    assert smsc.expect(ENQUIRE_LINK)

    next_one = pool.submit(provider.submit, message("two"), Deadline.after(10, clock))
    sequence = smsc.expect(SUBMIT_SM)
    smsc.send(pdu(SUBMIT_RESP, late, b"late\0") + pdu(SUBMIT_RESP, sequence, b"2\0"))
    assert next_one.result() == Receipt("2", 1)
    peer.hang_up()
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
    smsc = peer.accept_bound()
    link, clock = provider._link, FakeClock()
    ticket = link.submit(bytes(8_000_000), Deadline.after(0.3, clock))
    # It reads no more than this.
    smsc.begin_to_read(SUBMIT_SM)
    clock.advance(1.0)

    with pytest.raises(AnswerTimeout):
        link.wait(ticket)
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
