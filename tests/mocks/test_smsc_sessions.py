"""Sessions of the SMPP mock: who may bind, receipts, and faults."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from smpplib import smpp
from smpplib.exceptions import PDUError

from smsotp_mocks.faults.words import BadFault, Fault
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smpp.pdu import Command, Pdu
from smsotp_mocks.gateways.smpp.receipts import ReceiptPolicy
from smsotp_mocks.gateways.smpp.session import SmppSession
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from tests.mocks.esme import BIND, NUMBER, SUBMIT_BODY, Esme, exchange, pdu, raw
from tests.support.interruption import is_kept_waiting


def test_a_receipt_has_the_addresses_of_its_message_and_its_text_in_any_alphabet(esme: Esme) -> None:
    esme.submit(
        source_addr_ton=5,
        dest_addr_npi=1,
        registered_delivery=1,
        short_message="Привет".encode("utf-16-be"),
        data_coding=8,
    )
    receipt = esme.client.read_pdu()

    assert (receipt.source_addr_ton, receipt.source_addr_npi, receipt.source_addr) == (1, 1, NUMBER.encode())
    assert (receipt.dest_addr_ton, receipt.destination_addr) == (5, b"smsotp")
    assert receipt.data_coding == 8
    assert receipt.short_message.decode("utf-16-be").endswith("text:Привет")


def test_a_receipt_goes_to_the_session_that_submitted(smsc: Smsc) -> None:
    first, second = Esme(smsc), Esme(smsc)
    second.submit(registered_delivery=1)

    assert second.client.read_pdu().command == "deliver_sm"
    first.close()
    second.close()


def test_a_receipt_by_hand_goes_to_the_session_that_submitted(smsc: Smsc, inbox: Inbox) -> None:
    first, second = Esme(smsc), Esme(smsc)
    second.submit()
    message_id = inbox.wait(NUMBER, timeout=0).wire["message_ids"][0]

    assert smsc.send_receipt(message_id, "UNDELIV")
    assert b"stat:UNDELIV" in second.client.read_pdu().short_message
    first.close()
    second.close()


def test_a_receipt_that_cannot_be_taken_now_comes_again_in_the_same_session(inbox: Inbox) -> None:
    with Smsc(inbox, receipts=ReceiptPolicy(again=0.001)) as smsc:
        older, esme = Esme(smsc), Esme(smsc)
        esme.submit(registered_delivery=1)
        texts = []
        for status in (0x64, 0x64, 0):
            receipt = esme.client.read_pdu()
            texts.append(receipt.short_message.partition(b" ")[0])
            answer = smpp.make_pdu("deliver_sm_resp", client=esme.client, status=status)
            answer.sequence = receipt.sequence
            esme.client.send_pdu(answer)
        esme.submit(registered_delivery=0)
        esme.close()
        older.close()

    assert len(set(texts)) == 1


def test_a_receipt_without_an_answer_comes_again_in_the_next_session(smsc: Smsc) -> None:
    first = Esme(smsc)
    first.submit(registered_delivery=1)
    lost = first.client.read_pdu()
    first.close()
    second = Esme(smsc)

    assert second.client.read_pdu().short_message == lost.short_message
    second.close()


@pytest.mark.parametrize(("password", "status"), [("guess", 0x0E), ("muchtoolong", 0x0E)])
def test_a_wrong_password_cannot_bind(smsc: Smsc, password: str, status: int) -> None:
    body = b"smpp-user\0" + password.encode() + b"\0\0\x34\0\0\0"

    assert raw(smsc, pdu(2, body)) == [(0x80000002, status, 7)]
    assert password not in str(smsc.requests)


def test_an_unknown_system_id_cannot_bind(smsc: Smsc) -> None:
    assert raw(smsc, pdu(9, b"nobody\0x\0\0\x34\0\0\0")) == [(0x80000009, 0x0F, 7)]


def test_sending_needs_a_bind(smsc: Smsc) -> None:
    assert raw(smsc, pdu(4, b"\0" * 20)) == [(0x80000004, 0x04, 7)]


def test_a_receiver_may_not_send(smsc: Smsc) -> None:
    bind = pdu(1, b"smpp-user\0smpppass\0\0\x34\0\0\0")

    assert [status for _, status, _ in raw(smsc, bind, pdu(4, SUBMIT_BODY))] == [0, 4]


def test_a_text_in_both_places_is_refused(smsc: Smsc) -> None:
    payload = struct.pack(">HH", 0x0424, 1) + b"y"

    assert [status for _, status, _ in raw(smsc, BIND, pdu(4, SUBMIT_BODY + payload))] == [0, 1]


def test_a_second_bind_is_refused(smsc: Smsc) -> None:

    assert [status for _, status, _ in raw(smsc, BIND, BIND)] == [0, 5]


def test_no_more_clients_are_bound_than_may_be_and_one_that_goes_leaves_its_place(inbox: Inbox) -> None:
    unbind = pdu(6, sequence=8)
    with Smsc(inbox, binds=1) as smsc:
        passing = [[status for _, status, _ in raw(smsc, BIND, unbind)] for _ in range(3)]
        one = Esme(smsc)
        refused = raw(smsc, BIND)
        one.close()

    assert passing == [[0, 0]] * 3
    assert refused == [(0x80000009, 0x0D, 7)]


def test_unbind_ends_the_session(smsc: Smsc) -> None:

    assert [command for command, *_ in raw(smsc, BIND, pdu(6), pdu(0x15))] == [0x80000009, 0x80000006]


def test_an_unknown_command_is_answered_with_generic_nack(smsc: Smsc) -> None:
    assert raw(smsc, pdu(0x99)) == [(0x80000000, 3, 7)]


@pytest.mark.parametrize("length", [0, 15, 70_001, 0xFFFFFFFF])
def test_an_impossible_length_ends_the_session(smsc: Smsc, length: int) -> None:
    assert raw(smsc, struct.pack(">IIII", length, 4, 0, 7)) == [(0x80000000, 2, 7)]


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"x" * 300, b"\0" * 8 + b"\xff" * 12, b"\0\0\0\0\x01\x01123456\0" + b"\0" * 9 + b"\xff"],
)
def test_hostile_bodies_are_answered(smsc: Smsc, body: bytes) -> None:
    _, answer, alive = raw(smsc, BIND, pdu(4, body), pdu(0x15, sequence=8))

    assert answer[1] != 0
    assert alive == (0x80000015, 0, 8)


def test_many_requests_in_flight_are_answered(smsc: Smsc, inbox: Inbox) -> None:
    answers = raw(smsc, BIND, *(pdu(4, SUBMIT_BODY, sequence) for sequence in range(1, 501)))

    assert [sequence for *_, sequence in answers[1:]] == list(range(1, 501))
    assert len(inbox) == 500


@pytest.mark.parametrize(
    ("rule", "status", "arrived"),
    [
        ("throttle", 0x58, 0),
        ("refuse", 0x0B, 0),
        ("unavailable", 0x08, 0),
        ("smpp-status 0x14", 0x14, 0),
        ("smpp-status 0x400 at submit", 0x400, 0),
        ("lose", 0, 0),
        ("duplicate", 0, 2),
        ("delay 1ms", 0, 1),
    ],
)
def test_a_fault_in_the_answer(  # noqa: PLR0917  (pytest hands fixtures by name)
    smsc: Smsc, esme: Esme, inbox: Inbox, rule: str, status: int, arrived: int
) -> None:
    smsc.faults.add(rule)

    assert esme.submit().status == status
    assert len(inbox) == arrived


@pytest.mark.parametrize(("rule", "arrived"), [("reset-before", 0), ("reset-after", 1)])
def test_a_fault_that_resets_the_connection(smsc: Smsc, inbox: Inbox, rule: str, arrived: int) -> None:
    smsc.faults.add(rule)

    with socket.create_connection((smsc.host, smsc.port), timeout=10) as connection:
        connection.sendall(BIND + pdu(4, SUBMIT_BODY))
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: connection.recv(4096), b""))
    assert len(inbox) == arrived


@pytest.mark.parametrize(("rule", "octets"), [("half", 12), ("half 17", 17), ("garbage", 40)])
def test_a_fault_that_ends_in_the_middle(smsc: Smsc, inbox: Inbox, rule: str, octets: int) -> None:
    bound = exchange(smsc, BIND)
    smsc.faults.add(rule)

    assert len(exchange(smsc, BIND, pdu(4, SUBMIT_BODY))) == len(bound) + octets
    assert len(inbox) == 1


@pytest.mark.parametrize(("rule", "arrived"), [("hang", 0), ("mute", 1)])
def test_an_unanswered_request_does_not_hold_the_next_one(
    smsc: Smsc, esme: Esme, inbox: Inbox, rule: str, arrived: int
) -> None:
    smsc.faults.add(f"{rule} once")
    esme.client.send_pdu(
        smpp.make_pdu(
            "submit_sm", client=esme.client, dest_addr_ton=1, destination_addr=NUMBER, short_message=b"one"
        )
    )
    answer = esme.submit(short_message=b"two")

    assert (answer.sequence, answer.status) == (esme.client.sequence, 0)
    assert len(inbox) == arrived + 1


def test_delayed_answers_overtake_nothing_and_throttle_a_full_window(inbox: Inbox) -> None:
    with Smsc(inbox, window=2) as smsc:
        smsc.faults.add("delay 60s 2 times")
        esme = Esme(smsc)
        for _ in range(2):
            esme.client.send_pdu(
                smpp.make_pdu(
                    "submit_sm",
                    client=esme.client,
                    dest_addr_ton=1,
                    destination_addr=NUMBER,
                    short_message=b"x",
                )
            )
        throttled = esme.submit()
        smsc.faults.release()
        statuses = [esme.client.read_pdu().status for _ in range(2)]
        esme.close()

    assert (throttled.status, statuses) == (0x58, [0, 0])


class Released(Smsc):
    """Is released when it has taken a fault, and before it waits."""

    def note(self, *args: Any, **kwargs: Any) -> None:
        super().note(*args, **kwargs)
        self.faults.release()


@pytest.mark.parametrize("stage", ["bind", "submit"])
def test_a_release_is_not_lost_on_a_delay_that_is_about_to_begin(inbox: Inbox, stage: str) -> None:
    with Released(inbox) as smsc:
        smsc.faults.add(f"delay 60s at {stage}")
        esme = Esme(smsc)
        answer = esme.submit()
        esme.close()

    assert answer.status == 0


def test_a_bind_can_be_refused_by_a_fault(smsc: Smsc) -> None:
    smsc.faults.add("refuse at bind once")

    with pytest.raises(PDUError, match="13"):
        Esme(smsc)


@pytest.mark.parametrize(
    "rule", ["receipt-ids decimal at bind", "lose at unbind", "duplicate at enquire_link"]
)
def test_what_becomes_of_a_message_is_not_decided_where_there_is_none(smsc: Smsc, rule: str) -> None:
    with pytest.raises(BadFault, match="No message is taken at"):
        smsc.faults.add(rule)


def test_a_rule_at_submit_goes_before_the_magic(smsc: Smsc, esme: Esme) -> None:
    smsc.faults.add("smpp-status 0x14 at submit")

    assert esme.submit(destination_addr="4915550100009").status == 0x14


def test_a_fault_spells_the_id_in_the_receipt_of_one_message_in_another_way(smsc: Smsc) -> None:
    smsc.faults.add("receipt-ids decimal nth 2")
    esme = Esme(smsc)
    ids, reported = [], []
    for _ in range(3):
        ids.append(esme.submit(registered_delivery=1).message_id.decode())
        reported.append(esme.client.read_pdu().receipted_message_id.decode())
    esme.close()

    assert reported == [ids[0], str(int(ids[1], 16)), ids[2]]


@pytest.mark.parametrize(
    ("submit_ids", "receipt_ids"), [("hex", "hex"), ("hex", "decimal"), ("decimal", "hex")]
)
def test_a_receipt_is_delivered(inbox: Inbox, submit_ids: str, receipt_ids: str) -> None:
    policy = ReceiptPolicy(submit_ids=submit_ids, receipt_ids=receipt_ids)  # type: ignore[arg-type]  # by name
    base = {"hex": 16, "decimal": 10}
    with Smsc(inbox, receipts=policy) as smsc:
        esme = Esme(smsc)
        message_id = esme.submit(registered_delivery=1).message_id
        receipt = esme.client.read_pdu()
        esme.close()

    reported = receipt.short_message.split(b" ")[0].removeprefix(b"id:")
    assert int(message_id, base[submit_ids]) == int(reported, base[receipt_ids])
    assert (receipt.command, receipt.esm_class, receipt.source_addr) == ("deliver_sm", 4, NUMBER.encode())
    assert b"stat:DELIVRD err:000 text:hello" in receipt.short_message
    assert (receipt.message_state, receipt.receipted_message_id) == (2, reported)


def test_a_receipt_waits_for_a_receiver(smsc: Smsc) -> None:
    sender = Esme(smsc, bind="transmitter")
    message_id = sender.submit().message_id.decode()
    assert smsc.send_receipt(message_id, "UNDELIV")
    assert not smsc.send_receipt("unknown")
    receiver = Esme(smsc, bind="receiver")
    receipt = receiver.client.read_pdu()
    sender.close()
    receiver.close()

    assert b"stat:UNDELIV err:001" in receipt.short_message


def test_the_mock_asks_whether_the_client_is_there(smsc: Smsc, esme: Esme) -> None:
    assert smsc.send_enquire_link() == 1

    assert esme.client.read_pdu().command == "enquire_link"


def test_the_mock_can_tell_the_client_to_go(smsc: Smsc, esme: Esme) -> None:
    assert smsc.send_unbind() == 1

    assert esme.client.read_pdu().command == "unbind"


def test_it_stops_and_starts_on_the_same_port(smsc: Smsc, inbox: Inbox) -> None:
    first = Esme(smsc)
    smsc.stop()
    first.close()
    smsc.start()
    second = Esme(smsc)
    second.submit()
    second.close()

    assert len(inbox) == 1


def test_it_speaks_tls_over_ipv6(inbox: Inbox, certificates: Certificates) -> None:
    import ssl

    trust = ssl.create_default_context(cadata=certificates.authority_pem.decode())
    with (
        Smsc(inbox, host="::1", tls=certificates.server_context()) as smsc,
        socket.create_connection((smsc.host, smsc.port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="::1") as connection,
    ):
        connection.sendall(pdu(0x15))

        assert connection.recv(16) == struct.pack(">IIII", 16, 0x80000015, 0, 7)


@pytest.fixture
def alone(smsc: Smsc) -> Iterator[tuple[SmppSession, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SmppSession(smsc, smsc._terms, smsc._centre, ours), theirs


def test_nothing_is_written_to_a_connection_while_it_is_reset_or_after_that(
    alone: tuple[SmppSession, socket.socket],
) -> None:
    session, _ = alone
    request = Pdu(Command.ENQUIRE_LINK, 0, 1, b"")
    written = []

    def write() -> None:
        with suppress(ConnectionAbortedError):
            session._write(b"a report")
            written.append("a report")

    def break_it() -> None:
        with suppress(ConnectionAbortedError):
            session._break(Fault("reset-before"), request, b"")

    assert is_kept_waiting(write, break_it, "detach")
    assert written == []


def test_nothing_is_written_to_a_client_that_has_gone(alone: tuple[SmppSession, socket.socket]) -> None:
    session, client = alone
    client.shutdown(socket.SHUT_WR)
    session.run()

    with pytest.raises(ConnectionAbortedError):
        session._write(b"a report")
