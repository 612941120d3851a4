"""Ways to submit to an SMSC: smpplib, hand-written loops, and our provider."""

import socket
from collections.abc import Callable

import smpplib.client
import smpplib.smpp
from provider_race import NUMBER, TEXT, Way, send_through_provider

from smsotp_plugin.providers.smpp import SmppProvider
from smsotp_plugin.wire.smpp import pdu as pdus
from smsotp_plugin.wire.smpp.pdu import Address, Part, SubmitStyle, pack_pdu, pack_submit

WINDOW = 10


class _Numbers:
    """The object that smpplib asks for sequence numbers."""

    def __init__(self) -> None:
        self.sequence = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence


def _submit_arguments() -> dict[str, object]:
    return {
        "source_addr_ton": 5,
        "source_addr": "smsotp",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": NUMBER,
        "validity_period": "000000000500000R",
        "registered_delivery": 1,
        "short_message": TEXT.encode(),
    }


def _ignore(**_: object) -> None:
    """Take the place of smpplib's own handler, which logs a warning."""


def _send_naively(port: int, messages: int) -> None:
    """Connect, bind, submit, read the answer, unbind: as in smpplib's own example, but waiting for the answer."""
    for _ in range(messages):
        client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
        client.set_message_sent_handler(_ignore)
        client.connect()
        client.bind_transceiver(system_id="bench", password="bench")
        client.send_message(**_submit_arguments())
        client.read_once()
        client.unbind()
        client.disconnect()


def _send_pipelined(port: int, messages: int) -> None:
    """Keep a window full from one thread, with smpplib's codec: the best loop that a user of smpplib can write."""
    numbers = _Numbers()

    def submit() -> bytes:
        pdu = smpplib.smpp.make_pdu("submit_sm", client=numbers, **_submit_arguments())
        return bytes(pdu.generate())

    def read(pdu: bytes) -> int:
        answer = smpplib.smpp.parse_pdu(pdu, client=numbers, allow_unknown_opt_params=True)
        assert answer.status == 0
        return int(answer.sequence)

    _keep_window_full(port, messages, submit, read)


def _send_packed(port: int, messages: int) -> None:
    """Do the same with packed PDUs: what the wire and the SMSC allow."""
    numbers = _Numbers()
    style = SubmitStyle(b"", Address(5, 0, b"smsotp"), 1)
    recipient = Address(1, 1, NUMBER.encode())
    part = Part(0, b"", TEXT.encode())

    def submit() -> bytes:
        body = pack_submit(style, recipient, b"000000000500000R", part)
        return pack_pdu(pdus.SUBMIT_SM, numbers.next_sequence(), body)

    def read(pdu: bytes) -> int:
        return int.from_bytes(pdu[12:16], "big")

    _keep_window_full(port, messages, submit, read)


def _keep_window_full(
    port: int, messages: int, submit: Callable[[], bytes], read: Callable[[bytes], int]
) -> None:
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(pack_pdu(pdus.BIND_TRANSCEIVER, 0x7FFFFFFF, b"bench\0bench\0\0\x34\0\0\0"))
        connection.recv(65536)
        sent, outstanding = 0, set[int]()
        while sent < messages or outstanding:
            while sent < messages and len(outstanding) < WINDOW:
                pdu = submit()
                outstanding.add(int.from_bytes(pdu[12:16], "big"))
                connection.sendall(pdu)
                sent += 1
            received += connection.recv(65536)
            while len(received) >= 16 and len(received) >= (length := int.from_bytes(received[:4], "big")):
                outstanding.remove(read(bytes(received[:length])))
                del received[:length]


def _send_with_the_provider(port: int, messages: int) -> None:
    table = {
        "provider": "smpp",
        "SMSC_HOST": "127.0.0.1",
        "SMSC_PORT": port,
        "SYSTEM_ID": "bench",
        "PASSWORD": "bench",
        "S_ADDR": "smsotp",
        "WINDOW": WINDOW,
    }
    send_through_provider(SmppProvider, table, WINDOW, messages)


PIPELINED = "one loop over smpplib's codec, window 10"
PACKED = "the same loop with packed PDUs"
SMPP = (
    Way("connect, bind, submit, unbind a message", _send_naively, 0.05),
    Way(PIPELINED, _send_pipelined),
    Way(PACKED, _send_packed),
    Way("provider smpp", _send_with_the_provider),
)
