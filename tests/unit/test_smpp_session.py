"""The session without I/O: bytes and the time in, events and bytes out."""

import pytest

from smsotp_plugin.wire.smpp.deliver_sm import read_delivery
from smsotp_plugin.wire.smpp.events import (
    Answered,
    BindRefused,
    Bound,
    Delivered,
    Lost,
    SessionEnded,
    UnreadableDelivery,
)
from smsotp_plugin.wire.smpp.pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
    Bind,
    Pdu,
    PduReader,
    pack_pdu,
)
from smsotp_plugin.wire.smpp.session import SessionState, SmppSession
from smsotp_plugin.wire.smpp.times import SessionTimes

BIND = Bind(transceiver=True, system_id="me", password="pw", system_type="")
BIND_RESP = RESPONSE | BIND_TRANSCEIVER
TIMES = SessionTimes(bind=10, idle=30, answer=5, unbind=1)
RECEIPT = b"\0\1\x0149170\0\1\x01me\0\x04\0\0\0\0\0\0\0\0\x05id:7 "


def take_written(session: SmppSession) -> list[Pdu]:
    """Let the session write, and return what it wrote."""
    reader = PduReader()
    data = session.to_write()
    if data is not None:
        reader.feed(bytes(data))
        session.note_written(len(data))
    return list(iter(reader.take_pdu, None))


def binding(window: int = 3) -> SmppSession:
    return SmppSession(BIND, window=window, times=TIMES, now=0)


@pytest.fixture
def session() -> SmppSession:
    """Return a session that is bound and has written all."""
    bound = binding()
    take_written(bound)
    assert bound.receive(pack_pdu(BIND_RESP, 1, b"smsc\0"), 0) == [Bound()]
    return bound


def test_a_session_begins_with_a_bind_and_does_not_submit_before_its_answer() -> None:
    session = binding()

    assert [pdu.command for pdu in take_written(session)] == [BIND_TRANSCEIVER]
    assert not session.has_room()


def test_an_enquire_link_before_the_answer_to_the_bind_is_answered_and_binds_nothing() -> None:
    session = binding()
    take_written(session)

    assert session.receive(pack_pdu(ENQUIRE_LINK, 77), 1) == []

    assert take_written(session) == [Pdu(ENQUIRE_LINK_RESP, 0, 77, b"")]
    assert session.state is SessionState.BINDING
    assert session.receive(pack_pdu(BIND_RESP, 1), 1) == [Bound()]


@pytest.mark.parametrize(
    "answer",
    [
        pack_pdu(BIND_RESP, 1, status=0x0E),
        pack_pdu(BIND_RESP, 0, status=0x0E),
        pack_pdu(RESPONSE | 2, 1, b"\0", 0x0E),
    ],
)
def test_a_refused_bind_ends_the_session_with_its_status(answer: bytes) -> None:
    session = binding()

    assert session.receive(answer, 1) == [
        BindRefused(0x0E),
        SessionEnded("the bind was refused"),
    ]


def test_a_generic_nack_refuses_a_bind_too() -> None:
    assert binding().receive(pack_pdu(GENERIC_NACK, 0, status=3), 1)[0] == BindRefused(3)


@pytest.mark.parametrize(
    "answer", [pack_pdu(BIND_RESP, 2), pack_pdu(RESPONSE | 2, 1), pack_pdu(SUBMIT_SM_RESP, 1)]
)
def test_what_is_not_the_answer_to_the_bind_does_not_bind(answer: bytes) -> None:
    session = binding()

    assert session.receive(answer, 1) == []
    assert session.state is SessionState.BINDING


def test_a_bind_without_an_answer_ends_when_its_time_is_over() -> None:
    session = binding()

    assert session.find_next_tick() == 10
    assert session.tick(9.9) == []
    assert session.tick(10) == [SessionEnded("no answer to the bind within 10 s")]


def test_an_unbind_during_the_bind_ends_the_session() -> None:
    assert binding().receive(pack_pdu(UNBIND, 1), 1) == [SessionEnded("the SMSC unbound during the bind")]


def test_a_delivery_before_the_bind_is_refused() -> None:
    session = binding()
    take_written(session)

    assert session.receive(pack_pdu(DELIVER_SM, 4, RECEIPT), 1) == []
    assert [pdu.status for pdu in take_written(session)] == [0x04]


def test_answers_are_matched_by_sequence_number_in_any_order(session: SmppSession) -> None:
    first, second = session.submit(b"one"), session.submit(b"two")
    assert [pdu.body for pdu in take_written(session)] == [b"one", b"two"]

    events = session.receive(
        pack_pdu(SUBMIT_SM_RESP, second, b"b\0") + pack_pdu(SUBMIT_SM_RESP, first, status=0x58), 1
    )

    assert events == [Answered(second, 0, "b"), Answered(first, 0x58, "")]


def test_the_window_is_full_until_an_answer_comes(session: SmppSession) -> None:
    sequences = [session.submit(b"") for _ in range(3)]
    assert not session.has_room()

    session.receive(pack_pdu(SUBMIT_SM_RESP, sequences[0]), 1)

    assert session.has_room()


def test_an_answer_to_nothing_of_ours_is_ignored(session: SmppSession) -> None:
    sequence = session.submit(b"")
    session.receive(pack_pdu(SUBMIT_SM_RESP, sequence), 1)

    assert session.receive(pack_pdu(SUBMIT_SM_RESP, sequence), 1) == []
    assert session.receive(pack_pdu(SUBMIT_SM_RESP, 999), 1) == []


def test_a_submit_that_is_given_up_makes_room_and_makes_the_peer_suspect(session: SmppSession) -> None:
    sequences = [session.submit(b"") for _ in range(3)]
    take_written(session)

    session.give_up(sequences[0], 3)

    assert session.has_room()
    assert [pdu.command for pdu in take_written(session)] == [ENQUIRE_LINK]
    assert session.receive(pack_pdu(SUBMIT_SM_RESP, sequences[0]), 4) == []


def test_a_generic_nack_answers_the_submit_with_its_sequence(session: SmppSession) -> None:
    sequence = session.submit(b"")

    assert session.receive(pack_pdu(GENERIC_NACK, sequence, status=2), 1) == [Answered(sequence, 2, "")]


def test_a_generic_nack_to_nothing_ends_the_session(session: SmppSession) -> None:
    [ended] = session.receive(pack_pdu(GENERIC_NACK, 0, status=2), 1)

    assert isinstance(ended, SessionEnded)
    assert "0x02" in ended.reason


def test_a_silent_peer_is_asked_and_then_given_up(session: SmppSession) -> None:
    assert session.find_next_tick() == 30
    assert session.tick(30) == []
    assert [pdu.command for pdu in take_written(session)] == [ENQUIRE_LINK]
    assert session.find_next_tick() == 35

    assert session.tick(34.9) == []
    assert session.tick(35) == [SessionEnded("no sign of life within 5 s of an enquire_link")]


def test_any_pdu_is_a_sign_of_life(session: SmppSession) -> None:
    session.tick(30)

    session.receive(pack_pdu(ENQUIRE_LINK, 5), 34)

    assert session.find_next_tick() == 64
    assert session.tick(40) == []


def test_half_a_pdu_is_no_sign_of_life(session: SmppSession) -> None:
    session.tick(30)

    session.receive(pack_pdu(ENQUIRE_LINK, 5)[:15], 34)

    assert session.find_next_tick() == 35


def test_an_enquiry_of_ours_is_answered(session: SmppSession) -> None:
    first, second = session.enquire(1), session.enquire(1)
    take_written(session)

    assert session.receive(pack_pdu(ENQUIRE_LINK_RESP, second), 2) == [Answered(second, 0, "")]
    assert session.receive(pack_pdu(ENQUIRE_LINK_RESP, first), 2) == [Answered(first, 0, "")]


def test_a_lost_connection_tells_what_was_written_completely(session: SmppSession) -> None:
    whole, cut = session.submit(b"first"), session.submit(b"second")
    session.to_write()
    session.note_written(16 + 5 + 16 + 5)
    waiting = session.submit(b"third")

    assert session.end("gone") == SessionEnded(
        "gone", (Lost(whole, written=True), Lost(cut, written=False), Lost(waiting, written=False))
    )


def test_bytes_are_offered_again_until_they_have_gone_out(session: SmppSession) -> None:
    session.submit(b"abcdef")
    before = bytes(session.to_write() or b"")

    session.note_written(3)
    session.note_written(4)

    assert bytes(session.to_write() or b"") == before[7:]
    assert session.is_writing()


def test_an_unbind_from_the_peer_is_answered_and_the_window_still_read(session: SmppSession) -> None:
    first, second = session.submit(b"one"), session.submit(b"two")
    take_written(session)

    assert session.receive(pack_pdu(UNBIND, 50), 1) == []

    assert take_written(session) == [Pdu(UNBIND_RESP, 0, 50, b"")]
    assert not session.has_room()
    assert session.receive(pack_pdu(SUBMIT_SM_RESP, first, b"a\0"), 1.5) == [Answered(first, 0, "a")]
    assert session.tick(2) == [SessionEnded("the SMSC unbound", (Lost(second, written=True),))]


def test_our_unbind_waits_for_its_answer_and_not_for_ever(session: SmppSession) -> None:
    session.unbind(5)

    assert [pdu.command for pdu in take_written(session)] == [UNBIND]
    assert session.find_next_tick() == 6
    assert session.receive(pack_pdu(UNBIND_RESP, 2), 5.5) == [SessionEnded("unbound")]


def test_what_was_read_before_a_cut_still_counts(session: SmppSession) -> None:
    sequence = session.submit(b"one")
    take_written(session)
    session.cut(1, "lost")

    assert session.receive(pack_pdu(SUBMIT_SM_RESP, sequence, b"a\0"), 1) == [Answered(sequence, 0, "a")]
    assert session.tick(2) == [SessionEnded("lost")]


def test_a_delivery_is_answered_once_it_is_acknowledged(session: SmppSession) -> None:
    pdu = Pdu(DELIVER_SM, 0, 8, RECEIPT)

    [event] = session.receive(pack_pdu(DELIVER_SM, 8, RECEIPT), 1)

    assert event == Delivered(DELIVER_SM, 8, read_delivery(pdu))
    assert take_written(session) == []
    session.acknowledge(event, taken=True)
    assert take_written(session) == [Pdu(RESPONSE | DELIVER_SM, 0, 8, b"\0")]


def test_a_delivery_that_could_not_be_kept_may_be_brought_again(session: SmppSession) -> None:
    [event] = session.receive(pack_pdu(DELIVER_SM, 8, RECEIPT), 1)
    assert isinstance(event, Delivered)

    session.acknowledge(event, taken=False)

    assert [pdu.status for pdu in take_written(session)] == [0x64]


def test_a_delivery_that_cannot_be_read_is_refused(session: SmppSession) -> None:
    [event] = session.receive(pack_pdu(DELIVER_SM, 8, RECEIPT[:12]), 1)

    assert isinstance(event, UnreadableDelivery)
    assert [pdu.status for pdu in take_written(session)] == [0x65]


def test_an_unknown_request_is_nacked_and_an_unknown_answer_ignored(session: SmppSession) -> None:
    assert session.receive(pack_pdu(0x7777, 8) + pack_pdu(RESPONSE | 0x7777, 9), 1) == []

    assert take_written(session) == [Pdu(GENERIC_NACK, 0x03, 8, b"")]


def test_garbage_ends_the_session_after_what_came_before_it(session: SmppSession) -> None:
    sequence = session.submit(b"")
    take_written(session)

    events = session.receive(pack_pdu(SUBMIT_SM_RESP, sequence, b"a\0") + b"\xff" * 40, 1)

    assert events == [
        Answered(sequence, 0, "a"),
        SessionEnded("the SMSC announced a PDU of 4294967295 bytes"),
    ]
    assert session.receive(pack_pdu(ENQUIRE_LINK, 1), 1) == []


def test_a_peer_that_asks_and_does_not_read_is_left(session: SmppSession) -> None:
    [ended] = session.receive(pack_pdu(ENQUIRE_LINK, 1) * 1001, 1)

    assert ended == SessionEnded("the SMSC sends requests and does not read the answers")


def test_sequence_numbers_begin_anew_and_leave_out_those_in_use(session: SmppSession) -> None:
    used = session.submit(b"")
    session._sequence = 0x7FFFFFFF
    session.submit(b"")
    session._sequence = used - 1

    assert session.submit(b"") == used + 1
    assert [pdu.sequence for pdu in take_written(session)] == [2, 1, 3]


def test_the_submit_command_is_submit_sm(session: SmppSession) -> None:
    session.submit(b"x")

    assert [pdu.command for pdu in take_written(session)] == [SUBMIT_SM]
