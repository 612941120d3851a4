"""PDUs as bytes, against hand-written ones and against smpplib's codec."""

import struct
from typing import Any

import pytest
from smpplib import smpp

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.smpp.pdu import (
    BIND_TRANSCEIVER,
    ENQUIRE_LINK,
    LARGEST_PDU,
    SUBMIT_SM,
    Address,
    Bind,
    Part,
    Pdu,
    PduReader,
    SubmitStyle,
    describe_status,
    pack_pdu,
    pack_submit,
    read_message_id,
)

ENQUIRY = bytes.fromhex("00000010 00000015 00000000 00000007")
ANSWER = bytes.fromhex("00000014 80000004 00000000 00000001") + b"ab1\0"


class Numbers:
    """What smpplib asks for a sequence number."""

    sequence = 9

    def next_sequence(self) -> int:
        return self.sequence


def parse_by_smpplib(packed: bytes) -> Any:
    return smpp.parse_pdu(packed, client=Numbers())


def read_all(reader: PduReader) -> list[Pdu]:
    return list(iter(reader.take_pdu, None))


def test_a_header_is_packed_as_the_standard_says() -> None:
    assert pack_pdu(ENQUIRE_LINK, 7) == ENQUIRY


@pytest.mark.parametrize("size", [1, 3, 16, 17, 100])
def test_pdus_come_out_whole_whatever_pieces_they_come_in(size: int) -> None:
    stream = ENQUIRY + ANSWER + ENQUIRY
    reader = PduReader()
    found = []

    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
        found += read_all(reader)

    assert found == [
        Pdu(ENQUIRE_LINK, 0, 7, b""),
        Pdu(0x80000004, 0, 1, b"ab1\0"),
        Pdu(ENQUIRE_LINK, 0, 7, b""),
    ]


@pytest.mark.parametrize("length", [0, 3, 15, LARGEST_PDU + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_true_is_refused_before_the_rest_has_come(length: int) -> None:
    reader = PduReader()
    reader.feed(length.to_bytes(4, "big"))

    with pytest.raises(ProtocolViolation, match=f"{length} bytes"):
        reader.take_pdu()


def test_the_largest_pdu_is_read() -> None:
    reader = PduReader()
    reader.feed(pack_pdu(5, 1, bytes(LARGEST_PDU - 16)))

    [pdu] = read_all(reader)
    assert len(pdu.body) == LARGEST_PDU - 16


def test_a_bind_holds_all_of_its_strings() -> None:
    bind = Bind(
        transceiver=True, system_id="fifteen-letters", password="8letters", system_type="twelve-chars"
    )

    packed = parse_by_smpplib(bind.pack(9))

    assert (packed.command, packed.sequence, packed.status) == ("bind_transceiver", 9, 0)
    assert (packed.system_id, packed.password) == (b"fifteen-letters", b"8letters")
    assert (packed.system_type, packed.interface_version) == (b"twelve-chars", 0x34)


def test_a_transmitter_binds_with_its_own_command() -> None:
    bind = Bind(transceiver=False, system_id="", password="", system_type="")

    assert parse_by_smpplib(bind.pack(9)).command == "bind_transmitter"


def test_a_submit_is_what_smpplib_would_pack() -> None:
    body = pack_submit(
        SubmitStyle(b"OTP", Address(5, 0, b"Acme"), 1),
        Address(1, 1, b"491701234567"),
        b"000000000500000R",
        Part(8, bytes.fromhex("050003010201"), b"\x04\x3a"),
    )

    expected = smpp.make_pdu(
        "submit_sm",
        client=Numbers(),
        service_type="OTP",
        source_addr_ton=5,
        source_addr_npi=0,
        source_addr="Acme",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="491701234567",
        esm_class=0x40,
        validity_period="000000000500000R",
        registered_delivery=1,
        data_coding=8,
        short_message=bytes.fromhex("050003010201") + b"\x04\x3a",
    )
    assert pack_pdu(SUBMIT_SM, 9, body) == expected.generate()


def test_a_text_without_a_header_has_no_esm_class() -> None:
    body = pack_submit(
        SubmitStyle(b"", Address(0, 0, b""), 0), Address(1, 1, b"49170"), b"", Part(0, b"", b"hi")
    )

    assert parse_by_smpplib(pack_pdu(SUBMIT_SM, 1, body)).esm_class == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"0A1B\0", "0A1B"),
        (b"", ""),
        (b"no-end", "no-end"),
        (b"a\x01\xadb\0", "ab"),
        (b"x" * 100 + b"\0", "x" * 64),
    ],
)
def test_the_id_of_a_message_that_was_taken_is_read_leniently(body: bytes, expected: str) -> None:
    assert read_message_id(body) == expected


def test_statuses_are_told_with_number_and_words() -> None:
    assert describe_status(0x58).startswith("0x58 Throttling error")
    assert describe_status(0x07) == "0x07"
    assert describe_status(0x4FF) == "0x4FF"


def test_nothing_secret_is_shown() -> None:
    shown = repr(
        [
            Bind(transceiver=True, system_id="me", password="s3cret", system_type=""),
            Pdu(BIND_TRANSCEIVER, 0, 1, b"s3cret"),
            Part(0, b"", b"s3cret"),
            Address(1, 1, b"s3cret"),
        ]
    )

    assert "s3cret" not in shown


def test_the_packed_length_counts_header_and_body() -> None:
    assert struct.unpack(">I", pack_pdu(SUBMIT_SM, 1, b"body")[:4]) == (20,)
