"""Any bytes from an SMSC give events and never an exception, and fill no memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.smpp.deliver_sm import DeliverSm, read_delivery, read_receipt
from smsotp_plugin.wire.smpp.events import Delivered, SessionEnded
from smsotp_plugin.wire.smpp.pdu import DATA_SM, DELIVER_SM, LARGEST_PDU, Bind, Pdu, pack_pdu, read_message_id
from smsotp_plugin.wire.smpp.receipts import ReceiptBook
from smsotp_plugin.wire.smpp.session import SessionState, SmppSession
from smsotp_plugin.wire.smpp.times import SessionTimes

BIND = Bind(transceiver=True, system_id="me", password="pw", system_type="")
COMMANDS = [
    base | response
    for base in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x15, 0x21, 0x102, 0x103, 0x7777)
    for response in (0, 0x80000000)
]
BODIES = st.binary(max_size=60) | st.just(b"\0\1\x0149170\0\1\x01me\0\x04\0\0\0\0\0\0\0\0\x05id:7 ")
PDUS = st.builds(
    pack_pdu,
    st.sampled_from(COMMANDS),
    st.integers(0, 6),
    BODIES,
    st.sampled_from([0, 0, 0, 8, 0x58, 0xFFFFFFFF]),
)
STREAMS = st.lists(PDUS | st.binary(max_size=40), max_size=20).map(b"".join)


def fed(data: bytes, size: int, *, bound: bool) -> tuple[SmppSession, list[object]]:
    """Feed a session that has submits outstanding; acknowledge and write as the link does."""
    session = SmppSession(BIND, window=4, times=SessionTimes(), now=0)
    session.receive(pack_pdu(0x80000009, 1) if bound else b"", 0)
    sequences = [session.submit(b"x") for _ in range(2) if session.has_room()]
    found: list[object] = []
    for start in range(0, len(data), size):
        events = session.receive(data[start : start + size], 1)
        for event in events:
            if isinstance(event, Delivered):
                session.acknowledge(event, taken=True)
        found += events
        waiting = session.to_write()
        session.note_written(len(waiting or b"") // 2)
        session.tick(1 + start / 10)
    for sequence in sequences:
        session.give_up(sequence, 99)
    session.unbind(100)
    session.find_next_tick()
    return session, found


@settings(max_examples=500)
@given(STREAMS, st.integers(1, 50), st.booleans())
def test_any_stream_of_pdus_and_garbage_gives_events(data: bytes, size: int, bound: bool) -> None:  # noqa: FBT001  (drawn)
    session, events = fed(data, size, bound=bound)

    assert sum(isinstance(event, SessionEnded) for event in events) <= 1
    assert len(session._reader._received) <= LARGEST_PDU + size
    assert len(session._outgoing) <= 1100


@given(STREAMS, st.integers(1, 50))
def test_the_pieces_make_no_difference(data: bytes, size: int) -> None:
    whole, pieces = (SmppSession(BIND, window=4, times=SessionTimes(), now=0) for _ in range(2))

    expected = whole.receive(data, 1)

    found = [
        event
        for start in range(0, len(data), size)
        for event in pieces.receive(data[start : start + size], 1)
    ]
    assert found == expected
    assert (pieces.state is SessionState.ENDED) == (whole.state is SessionState.ENDED)


@given(st.sampled_from([DELIVER_SM, DATA_SM]), BODIES | st.binary(max_size=300))
def test_any_delivery_is_read_or_refused(command: int, body: bytes) -> None:
    try:
        delivery = read_delivery(Pdu(command, 0, 1, body))
    except ProtocolViolation:
        return
    read_receipt(delivery)


@given(
    st.builds(
        DeliverSm,
        source=st.binary(max_size=20),
        destination=st.binary(max_size=20),
        esm_class=st.integers(0, 255),
        data_coding=st.integers(0, 255),
        text=st.binary(max_size=100)
        | st.text(max_size=60).map(lambda text: f"id:{text} stat:{text}".encode()),
        options=st.dictionaries(st.sampled_from([0x1E, 0x423, 0x424, 0x427, 5]), st.binary(max_size=80)),
    )
)
def test_any_receipt_can_be_matched_and_shown(delivery: DeliverSm) -> None:
    receipt = read_receipt(delivery)

    if receipt is not None:
        matched = ReceiptBook().match(receipt)
        assert matched is not None
        assert len(matched.gateway_id) <= 64
        assert len(matched.detail) <= 128
        assert (matched.gateway_id + matched.detail).isprintable()


@given(st.binary(max_size=200))
def test_any_message_id_is_short_and_printable(body: bytes) -> None:
    message_id = read_message_id(body)

    assert message_id.isprintable()
    assert len(message_id) <= 64
