"""Delivery receipts: read from what an SMSC brings, and matched with the message that they belong to."""

import pytest

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.smpp.deliver_sm import DeliverSm, NetworkReceipt, read_delivery, read_receipt
from smsotp_plugin.wire.smpp.pdu import DATA_SM, DELIVER_SM, Pdu
from smsotp_plugin.wire.smpp.receipts import Expected, Matched, ReceiptBook

TEXT = (
    b"id:0000006699 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 "
    b"stat:DELIVRD err:000 text:123456 stat:EXPIRED id:1"
)
NUMBER = "491701234567"


def body(text: bytes, esm_class: int = 4, coding: int = 0, options: bytes = b"") -> bytes:
    return (
        b"\0\x01\x01491701234567\0\x05\0smsotp\0"
        + bytes([esm_class])
        + b"\0\0\0\0\0\0"
        + bytes([coding, 0, len(text)])
        + text
        + options
    )


def deliver(text: bytes, esm_class: int = 4, coding: int = 0, options: bytes = b"") -> DeliverSm:
    return read_delivery(Pdu(DELIVER_SM, 0, 1, body(text, esm_class, coding, options)))


def receipt(
    message_id: str, status: str = "delivered", numbers: tuple[str, str] = (NUMBER, "")
) -> NetworkReceipt:
    return NetworkReceipt(message_id, status, "DELIVRD", numbers)


def book(*message_ids: str, parts: int = 1) -> ReceiptBook:
    made = ReceiptBook()
    expected = Expected(NUMBER, parts)
    for message_id in message_ids:
        made.expect(expected, message_id)
    return made


def test_of_receipts_that_have_come_only_the_newest_are_remembered() -> None:
    made = book(*map(str, range(10_100)), parts=20_000)
    for number in range(10_100):
        made.match(receipt(str(number)))

    # A repeated receipt says nothing of the other parts; one that nobody waits for is told as it stands.
    assert made.match(receipt("10099")) is None
    assert made.match(receipt("9")) == Matched("9", "delivered", "DELIVRD")


def test_a_receipt_is_read_from_its_text_up_to_the_message() -> None:
    found = read_receipt(deliver(TEXT))

    assert found == NetworkReceipt("0000006699", "delivered", "DELIVRD", (NUMBER, "smsotp"))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (b"DELIVRD", "delivered"),
        (b"EXPIRED", "expired"),
        (b"UNDELIV", "undeliverable"),
        (b"DELETED", "undeliverable"),
        (b"REJECTD", "rejected"),
        (b"ACCEPTD", "accepted"),
        (b"DELIVERED", "delivered"),
        (b"UNDELIVERABLE", "undeliverable"),
        (b"Rejected", "rejected"),
        (b"ACCEPTED", "accepted"),
        (b"enroute", "accepted"),
        (b"UNKNOWN", "unknown"),
    ],
)
def test_every_state_has_a_status(word: bytes, status: str) -> None:
    found = read_receipt(deliver(b"id:1 stat:" + word + b" err:042"))

    assert found is not None
    assert (found.status, found.detail) == (status, f"{word.decode().upper()}, error 042")


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (b"stat:WHATEVER err:042", "another state, error 042"),
        (b"stat:123456 err:491701234567", "another state"),
        (b"stat:DELIVRD err:123456", "DELIVRD"),
        (b"err:00000000", "no state"),
    ],
)
def test_what_is_no_state_and_no_error_code_is_not_shown(fields: bytes, detail: str) -> None:
    found = read_receipt(deliver(b"id:1 " + fields))

    assert found is not None
    assert found.detail == detail


def test_optional_parameters_are_believed_before_the_text() -> None:
    options = b"\x00\x1e\x00\x041A2\0" + b"\x04\x27\x00\x01\x05" + b"\x04\x23\x00\x03\x03\x00\x0b"

    found = read_receipt(deliver(TEXT, esm_class=0, options=options))

    assert found == NetworkReceipt("1A2", "undeliverable", "UNDELIV, error 11", (NUMBER, "smsotp"))


def test_a_receipt_in_data_sm_is_read_too() -> None:
    data = b"\0\x01\x0149170\0\x05\0me\0\x04\0\0" + b"\x00\x1e\x00\x02a\0" + b"\x04\x27\x00\x01\x02"

    found = read_receipt(read_delivery(Pdu(DATA_SM, 0, 1, data)))

    assert found == NetworkReceipt("a", "delivered", "DELIVRD", ("49170", "me"))


def test_a_text_in_ucs2_or_in_the_payload_is_read() -> None:
    payload = "id:77 stat:EXPIRED".encode("utf-16-be")
    options = b"\x04\x24" + len(payload).to_bytes(2, "big") + payload

    found = read_receipt(deliver(b"", coding=8, options=options))

    assert found is not None
    assert (found.message_id, found.status) == ("77", "expired")


@pytest.mark.parametrize("text", [b"", b"stat:DELIVRD", b"hello", b"id: stat:"])
def test_without_an_id_there_is_no_receipt(text: bytes) -> None:
    assert read_receipt(deliver(text)) is None


def test_a_subscribers_sms_that_looks_like_a_receipt_is_none() -> None:
    assert read_receipt(deliver(TEXT, esm_class=0)) is None


@pytest.mark.parametrize("length", range(len(body(b""))))
def test_a_delivery_that_ends_before_its_text_is_refused(length: int) -> None:
    with pytest.raises(ProtocolViolation):
        read_delivery(Pdu(DELIVER_SM, 0, 1, body(b"id:1")[:length]))


@pytest.mark.parametrize(
    ("rest", "defect"),
    [
        (b"\0", "1 stray octet stands at its end"),
        (b"\r\n\0", "3 stray octets stand at its end"),
        (b"\x04\x27\0\x01\x02\0", "1 stray octet stands at its end"),
        (
            b"\x04\x27\0\x01\x02\x00\x1e\x00\x09a",
            "its optional parameter 0x001E is longer than what is left of it",
        ),
        (b"\x00\x1e\xff\xff", "its optional parameter 0x001E is longer than what is left of it"),
    ],
)
def test_what_is_complete_of_a_receipt_counts_whatever_stands_behind_it(rest: bytes, defect: str) -> None:
    delivery = deliver(b"id:a7 stat:DELIVRD err:000", options=rest)
    found = read_receipt(delivery)

    assert found is not None
    assert (found.message_id, found.status) == ("a7", "delivered")
    assert delivery.defect == defect


def test_a_text_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    delivery = read_delivery(Pdu(DELIVER_SM, 0, 1, body(TEXT)[:-30]))
    found = read_receipt(delivery)

    assert found is not None
    assert (found.message_id, found.status) == ("0000006699", "delivered")
    assert delivery.defect == f"its text should have {len(TEXT)} octets and has {len(TEXT) - 30}"


def test_a_delivery_as_smpp_has_it_has_no_defect() -> None:
    assert deliver(TEXT, options=b"\x04\x27\0\x01\x02").defect == ""


def test_neither_code_nor_number_is_shown() -> None:
    shown = repr(deliver(TEXT)) + repr(read_receipt(deliver(TEXT))) + repr(Expected(NUMBER, 1))

    assert "123456" not in shown
    assert "4567" not in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        *(
            ("7", "7"),
            ("1A2B", "1a2b"),
            ("1a2b", "6699"),
            ("1A2B", "0000006699"),
            ("6699", "1A2B"),
            ("007", "7"),
        ),
        *(("0x1A2B", "6699"), ("6699", "0x1a2b"), ("0X1A2B", "1a2b"), ("1a2b", "0x00001A2B")),
        ("6BA7B810-9dad-11d1-80b4-00c04fd430c8", "6ba7b8109dad11d180b400c04fd430c8"),
        ("6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ],
)
def test_ids_match_in_hex_and_decimal_with_zeros_a_prefix_or_hyphens(given: str, told: str) -> None:
    assert book(given).match(receipt(told)) == Matched(given, "delivered", "DELIVRD")


def test_hyphens_in_ids_that_are_no_uuids_tell_messages_apart() -> None:
    both = ReceiptBook()
    both.expect(Expected(NUMBER, 1), "10-11")
    both.expect(Expected(NUMBER, 1), "101-1")

    assert both.match(receipt("10-11")) == Matched("10-11", "delivered", "DELIVRD")
    assert both.match(receipt("101-1")) == Matched("101-1", "delivered", "DELIVRD")


def test_the_number_decides_between_two_spellings() -> None:
    both = ReceiptBook()
    both.expect(Expected("491709999999", 1), "16")
    both.expect(Expected(NUMBER, 1), "10")

    assert both.match(receipt("16")) == Matched("10", "delivered", "DELIVRD")


def test_a_receipt_of_an_unknown_message_keeps_its_own_spelling() -> None:
    assert ReceiptBook().match(receipt("00ff")) == Matched("00ff", "delivered", "DELIVRD")


@pytest.mark.parametrize("message_id", [NUMBER, f"0{NUMBER[2:]}-77", f"x{NUMBER}y"])
def test_a_receipt_of_an_unknown_message_keeps_no_id_that_holds_the_number(message_id: str) -> None:
    assert ReceiptBook().match(receipt(message_id)) == Matched("", "delivered", "DELIVRD")


def test_a_long_message_is_delivered_when_all_of_its_parts_are() -> None:
    parts = book("a1", "a2", parts=2)

    assert parts.match(receipt("a2")) is None
    assert parts.match(receipt("a1")) == Matched("a1", "delivered", "DELIVRD")


def test_a_repeated_receipt_of_one_part_does_not_stand_for_the_others() -> None:
    made = book("1f", "20", "21", parts=3)

    assert [made.match(receipt(told)) for told in ("1f", "1f", "31", "20", "20")] == [None] * 5
    assert made.match(receipt("21")) == Matched("1f", "delivered", "DELIVRD")


def test_a_repeated_receipt_finds_its_message_again_in_any_spelling() -> None:
    made = book("1f")
    made.match(receipt("31", "expired"))

    assert made.match(receipt("31")) == Matched("1f", "delivered", "DELIVRD")
    assert made.match(receipt("31", numbers=("491709999999", ""))) == Matched("31", "delivered", "DELIVRD")


def test_parts_with_one_id_whose_receipts_come_before_their_answers_are_all_counted() -> None:
    made, expected = ReceiptBook(), Expected(NUMBER, 2)
    made.begin(expected)
    told = [made.match(receipt("7")), made.expect(expected, "7"), made.match(receipt("7"))]

    assert told == [None, [], None]
    assert made.expect(expected, "7") == [Matched("7", "delivered", "DELIVRD")]
    assert made.finish(expected) == []


def test_an_id_that_is_given_again_belongs_to_its_new_message() -> None:
    made = book("7")
    made.match(receipt("7"))
    made.expect(Expected(NUMBER, 2), "7")

    assert made.match(receipt("7")) is None


def test_one_lost_part_is_a_lost_message() -> None:
    parts = book("a1", "a2", parts=2)

    assert parts.match(receipt("a2", "expired")) == Matched("a1", "expired", "DELIVRD")
    assert parts.match(receipt("a1")) is None


def test_a_message_on_its_way_is_still_waited_for() -> None:
    kept = book("a1")

    assert kept.match(receipt("a1", "accepted")) == Matched("a1", "accepted", "DELIVRD")
    assert kept.match(receipt("A1", "delivered")) == Matched("a1", "delivered", "DELIVRD")


def test_the_book_forgets_the_oldest() -> None:
    small = ReceiptBook(most=2)
    for message_id in ("a1", "a2", "a3"):
        small.expect(Expected(NUMBER, 1), message_id)

    assert small.match(receipt("161")) == Matched("161", "delivered", "DELIVRD")
    assert small.match(receipt("163")) == Matched("a3", "delivered", "DELIVRD")


def test_a_message_without_an_id_is_not_waited_for() -> None:
    assert book("").match(receipt("0")) == Matched("0", "delivered", "DELIVRD")


@pytest.mark.parametrize(("given", "told"), [("1A2B", "0000006699"), ("007", "7"), ("a1", "A1")])
def test_a_receipt_before_the_answer_finds_its_message_in_any_spelling(given: str, told: str) -> None:
    made, expected = ReceiptBook(), Expected(NUMBER, 1)
    made.begin(expected)

    assert made.match(receipt(told)) is None
    assert made.expect(expected, given) == [Matched(given, "delivered", "DELIVRD")]
    assert made.finish(expected) == []


def test_a_long_message_is_not_delivered_by_a_receipt_that_came_before_the_answer() -> None:
    made, expected = ReceiptBook(), Expected(NUMBER, 2)
    made.begin(expected)

    assert made.match(receipt("a1")) is None
    assert made.expect(expected, "a1") == []
    assert made.expect(expected, "a2") == []
    assert made.finish(expected) == []
    assert made.match(receipt("a2")) == Matched("a1", "delivered", "DELIVRD")


def test_a_receipt_that_belongs_to_no_answer_is_told_at_the_end() -> None:
    made, expected = ReceiptBook(), Expected(NUMBER, 1)
    made.begin(expected)

    assert made.match(receipt("99")) is None
    assert made.expect(expected, "a1") == []
    assert made.finish(expected) == [Matched("99", "delivered", "DELIVRD")]
    assert made.match(receipt("98")) == Matched("98", "delivered", "DELIVRD")


def test_a_receipt_for_another_number_does_not_wait_for_an_answer() -> None:
    made = ReceiptBook()
    made.begin(Expected("491709999999", 1))

    assert made.match(receipt("a1")) == Matched("a1", "delivered", "DELIVRD")


def test_two_messages_to_one_number_end_apart() -> None:
    made, first, second = ReceiptBook(), Expected(NUMBER, 1), Expected(NUMBER, 1)
    made.begin(first)
    made.begin(second)

    assert made.match(receipt("b2")) is None
    assert made.expect(second, "b2") == [Matched("b2", "delivered", "DELIVRD")]
    assert made.finish(second) == []
    assert made.expect(first, "a1") == []
    assert made.finish(first) == []


def test_a_receipt_of_the_second_of_two_messages_to_one_number_waits_for_its_answer() -> None:
    made = ReceiptBook()
    first, second = Expected(NUMBER, 1), Expected(NUMBER, 1)
    made.begin(first)
    made.begin(second)

    assert made.match(receipt("26", "undeliverable")) is None
    assert made.expect(first, "19") == []
    assert made.finish(first) == []
    assert made.expect(second, "1a") == [Matched("1a", "undeliverable", "DELIVRD")]
    assert made.finish(second) == []


def test_parts_that_the_smsc_gave_one_id_are_delivered_when_as_many_receipts_came() -> None:
    made = book("7", "7", "7", parts=3)

    assert made.match(receipt("7")) is None
    assert made.match(receipt("7")) is None
    assert made.match(receipt("7")) == Matched("7", "delivered", "DELIVRD")


@pytest.mark.parametrize(
    "text",
    [
        b"id: 77 stat: DELIVRD err: 000",
        b"id:77 sub: 001 stat:\tDELIVRD",
        b"id:77,sub:001,stat:DELIVRD,err:000",
        b"id:77;stat:DELIVRD;err:000;text:x",
        b"id:77, stat:DELIVRD, err:000",
    ],
)
def test_what_separates_the_fields_belongs_to_no_value(text: bytes) -> None:
    found = read_receipt(deliver(text))

    assert found is not None
    assert (found.message_id, found.status, found.detail) == ("77", "delivered", "DELIVRD")
