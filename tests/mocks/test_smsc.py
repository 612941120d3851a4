"""Messages to the SMPP mock, by smpplib, and by bare bytes where smpplib would not send them."""

import struct

import pytest
from smpplib.gsm import make_parts

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.inbox.inbox import Inbox
from tests.mocks.esme import BIND, NUMBER, Esme, exchange, pdu, raw


def test_a_message_reaches_the_inbox(smsc: Smsc, esme: Esme, inbox: Inbox) -> None:
    answer = esme.submit(short_message=b"Your code is 123456")

    message = inbox.wait(number=NUMBER, gateway="smpp", timeout=0)
    assert (message.code, message.segments, message.protocol) == ("123456", 1, "smpp")
    assert [answer.message_id.decode()] == message.wire["message_ids"]
    assert message.wire["parts"][0]["destination_addr"] == NUMBER
    assert smsc.bound == (("smpp-user", "bind_transceiver"),)


@pytest.mark.parametrize("text", ["@£$ {}[]~\\|^€", "äöüß ÄÖÜ ñ", "€" * 200, "Привет", "я" * 200, "x" * 500])
def test_texts_arrive_as_they_were_sent(esme: Esme, inbox: Inbox, text: str) -> None:
    parts, coding, esm_class = make_parts(text)
    for part in parts:
        esme.submit(short_message=part, data_coding=coding, esm_class=esm_class)

    message = inbox.wait(number=NUMBER, timeout=0)
    # smpplib cuts an escape pair between two parts; the phone, and the mock, lose that character.
    assert message.text.replace(" e", "€") == text
    assert message.segments == len(parts)


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (1, b"a`", "a`"),
        (3, b"\xe4", "ä"),
        (8, b"\x20\xac", "€"),
        (4, b"\x01\xff", "01ff"),
        (0xF0, b"\x00", "@"),
        (0x18, b"\x20\xac", "€"),
    ],
)
def test_data_codings_are_told_apart(esme: Esme, inbox: Inbox, coding: int, octets: bytes, text: str) -> None:
    esme.submit(short_message=octets, data_coding=coding)

    assert inbox.messages()[0].text == text


def test_parts_are_joined_in_any_order(esme: Esme, inbox: Inbox) -> None:
    for index in (3, 1, 1, 2):
        esme.submit(short_message=bytes([5, 0, 3, 9, 3, index]) + b"abc"[index - 1 : index], esm_class=0x40)

    assert [message.text for message in inbox.messages()] == ["abc"]


def test_parts_with_a_16_bit_reference_are_joined(esme: Esme, inbox: Inbox) -> None:
    for index in (1, 2):
        esme.submit(short_message=bytes([6, 8, 4, 1, 2, 2, index]) + b"ab"[index - 1 : index], esm_class=0x40)

    assert [message.text for message in inbox.messages()] == ["ab"]


def test_parts_with_sar_parameters_are_joined(esme: Esme, inbox: Inbox) -> None:
    for index in (1, 2):
        esme.submit(
            short_message=b"ab"[index - 1 : index],
            sar_msg_ref_num=7,
            sar_total_segments=2,
            sar_segment_seqnum=index,
        )

    assert [message.text for message in inbox.messages()] == ["ab"]


def test_a_message_payload_is_read(esme: Esme, inbox: Inbox) -> None:
    esme.submit(short_message=b"", message_payload=b"x" * 1000)

    assert len(inbox.messages()[0].text) == 1000


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"destination_addr": "+491701234567"}, 0x0B),
        ({"destination_addr": "0170123"}, 0x0B),
        ({"destination_addr": "bob", "dest_addr_ton": 0}, 0x0B),
        ({"short_message": b"x" * 161}, 0x01),
        ({"short_message": b"x" * 141, "data_coding": 8}, 0x01),
        ({"short_message": b"\x05\x00", "esm_class": 0x40}, 0x43),
        ({"short_message": bytes([5, 0, 3, 9, 2, 3]), "esm_class": 0x40}, 0x45),
        ({"data_coding": 0x0D}, 0x45),
    ],
)
def test_what_no_network_could_send_is_refused(
    esme: Esme, inbox: Inbox, fields: dict[str, object], status: int
) -> None:
    assert esme.submit(**fields).status == status
    assert len(inbox) == 0


SAR = {0x020C: b"\0\x07", 0x020E: b"\x02", 0x020F: b"\x01"}


def body(**changes: bytes) -> bytes:
    """Return the body of a submit_sm whose fields are good but for some."""
    fields = {
        "service_type": b"\0",
        "source": b"\x05\0smsotp\0",
        "destination": b"\x01\x01491701234567\0",
        "esm_class": b"\0",
        "protocol_id": b"\0",
        "priority": b"\0",
        "schedule": b"\0",
        "validity": b"\0",
        "registered": b"\0",
        "replace": b"\0",
        "coding": b"\0",
        "default_id": b"\0",
        "text": b"\x02hi",
        "tlvs": b"",
    }
    return b"".join((fields | changes).values())


def sar(**changes: bytes | None) -> bytes:
    values: dict[int, bytes | None] = {**SAR, **{int(tag[1:], 16): value for tag, value in changes.items()}}
    return b"".join(struct.pack(">HH", tag, len(it)) + it for tag, it in values.items() if it is not None)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"service_type": b"toolong\0"}, 0x15),
        ({"source": b"\x63\0smsotp\0"}, 0x48),
        ({"source": b"\0\x63smsotp\0"}, 0x49),
        ({"source": b"\x05\0a name of 20 letters\0"}, 0x0A),
        *(({"source": bytes((ton, 1)) + b"smsotp\0"}, 0x0A) for ton in (1, 2, 3, 4, 6)),
        ({"source": b"\x01\x01" + b"4" * 16 + b"\0"}, 0x0A),
        ({"source": b"\x01\x01+\0"}, 0x0A),
        ({"destination": b"\x63\x01491701234567\0"}, 0x50),
        ({"destination": b"\x05\x01491701234567\0"}, 0x50),
        ({"destination": b"\x01\x63491701234567\0"}, 0x51),
        ({"esm_class": b"\x04"}, 0x43),
        ({"esm_class": b"\x3c"}, 0x43),
        ({"priority": b"\x09"}, 0x06),
        ({"schedule": b"991231235959000+\0"}, 0x61),
        ({"validity": b"200101000000000+\0"}, 0x62),
        ({"validity": b"991331000000000+\0"}, 0x62),
        ({"validity": b"soon\0"}, 0x62),
        ({"validity": b"001300000000000R\0"}, 0x62),
        ({"validity": b"00000500000000\0"}, 0x62),
        ({"validity": b"991231235959049+\0"}, 0x62),
        ({"source": b"\x05\0\xc3\xbcser\0"}, 0x0A),
        ({"source": b"\x05\0a\x01\0"}, 0x0A),
        ({"default_id": b"\xff"}, 0x63),
        ({"tlvs": b"\x02\x04\0\x01\x07"}, 0xC2),
        ({"tlvs": b"\x00\x17\0\x02\0\x07"}, 0xC2),
        ({"tlvs": b"\x13\x0c\0\x01\x00"}, 0xC2),
        *(
            ({"tlvs": bytes((tag >> 8, tag & 0xFF, 0, 1, value))}, 0xC4)
            for tag, value in (
                *(
                    (0x0005, 5),
                    (0x0006, 9),
                    (0x0007, 9),
                    (0x000D, 5),
                    (0x000E, 9),
                    (0x000F, 255),
                    (0x0019, 2),
                ),
                *(
                    (0x0201, 4),
                    (0x020D, 6),
                    (0x0304, 100),
                    (0x0426, 9),
                    (0x1201, 3),
                    (0x1204, 4),
                    (0x1380, 9),
                ),
            )
        ),
        ({"registered": b"\x03"}, 0x07),
        ({"registered": b"\x20"}, 0x07),
        ({"replace": b"\x02"}, 0x54),
        ({"text": b"\x03\0a\0", "coding": b"\x08"}, 0x01),
        ({"text": b"\x02h\x80"}, 0x45),
        ({"text": b"\x02h\xe4", "coding": b"\x01"}, 0x45),
        ({"tlvs": sar(t020C=b"\x07")}, 0xC2),
        ({"tlvs": sar(t020E=b"\0\x02")}, 0xC2),
        ({"tlvs": sar(t020F=None)}, 0xC3),
        ({"tlvs": sar(t020F=b"\x03")}, 0xC4),
        ({"tlvs": sar(t020F=b"\0")}, 0xC4),
    ],
)
def test_a_field_that_cannot_be_is_refused_with_its_own_status(
    smsc: Smsc, inbox: Inbox, changes: dict[str, bytes], status: int
) -> None:
    assert [status for _, status, _ in raw(smsc, BIND, pdu(4, body(**changes)))] == [0, status]
    assert len(inbox) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"source": b"\0\0\0"},
        {"source": b"\x03\0" + b"72345\0"},
        {"source": b"\x05\0elevenchars\0"},
        {"source": b"\0\0smsotp\0"},
        {"source": b"\x01\x01+" + b"4" * 15 + b"\0"},
        {"tlvs": b"\x04\x26\0\x01\x01\x13\x0c\0\0\x12\x01\0\x01\x02\x03\x04\0\x01\x63"},
        {"destination": b"\x02\x01" + b"01701234567\0"},
        {"esm_class": b"\x83"},
        {"priority": b"\x03"},
        {"validity": b"991231235959048-\0"},
        {"validity": b"000000000500000R\0"},
        {"registered": b"\x1d"},
        {"tlvs": b"\x02\x04\0\x02\0\x07\x14\x01\0\x03abc"},
        {"coding": b"\x03", "text": b"\x02h\xe4"},
    ],
)
def test_what_the_specification_allows_is_taken(smsc: Smsc, inbox: Inbox, changes: dict[str, bytes]) -> None:
    assert [status for _, status, _ in raw(smsc, BIND, pdu(4, body(**changes)))][:2] == [0, 0]
    assert len(inbox) == 1


@pytest.mark.parametrize("sequence", [0, 0x80000000, 0xFFFFFFFF])
def test_a_sequence_number_out_of_its_range_is_refused(smsc: Smsc, inbox: Inbox, sequence: int) -> None:
    assert raw(smsc, BIND, pdu(4, body(), sequence), pdu(0x15)) == [
        (0x80000009, 0, 7),
        (0x80000004, 0xFF, sequence),
        (0x80000015, 0, 7),
    ]
    assert len(inbox) == 0


@pytest.mark.parametrize("command", [0x03, 0x07, 0x08, 0x21, 0x103])
def test_query_replace_cancel_multi_and_data_are_not_served(smsc: Smsc, command: int) -> None:
    assert raw(smsc, BIND, pdu(command, body()))[1] == (0x80000000, 3, 7)


@pytest.mark.parametrize(
    ("version", "answer"), [(b"\x33", b"smsotp-mocks\0"), (b"\x34", b"smsotp-mocks\0\x02\x10\0\x01\x34")]
)
def test_a_client_of_an_older_version_gets_no_optional_parameters(
    smsc: Smsc, version: bytes, answer: bytes
) -> None:
    assert exchange(smsc, BIND.replace(b"\x34", version))[16:] == answer


@pytest.mark.parametrize(
    ("coding", "octets", "segments"),
    [
        *((0, b"x" * 1000, 7), (0, b"\x1be" * 80, 1), (0, b"\x1be" * 81, 2), (3, b"\xe4" * 161, 2)),
        *((8, b"\0x" * 70, 1), (8, b"\0x" * 71, 2), (8, b"\xd8\x3d\xde\x00" * 67, 3)),
        *((4, b"\0" * 140, 1), (4, b"\0" * 200, 2), (4, b"\0" * 269, 3)),
    ],
)
def test_a_payload_counts_as_the_short_messages_that_the_network_makes_of_it(
    esme: Esme, inbox: Inbox, coding: int, octets: bytes, segments: int
) -> None:
    esme.submit(short_message=b"", message_payload=octets, data_coding=coding)

    assert inbox.messages()[0].segments == segments
