"""Clients of the SMPP mock: one that waits for each answer, and bare bytes."""

import socket
import struct

from smpplib import consts, smpp
from smpplib.client import Client
from smpplib.exceptions import PDUError

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.smpp.gateway import Smsc

NUMBER = "491701234567"
ACCOUNTS = Accounts()


class Esme:
    """A client that waits for each answer."""

    def __init__(self, smsc: Smsc, *, bind: str = "transceiver") -> None:
        self.client = Client(smsc.host, smsc.port, timeout=10, allow_unknown_opt_params=True)
        self.client.connect()
        try:
            getattr(self.client, f"bind_{bind}")(
                system_id=ACCOUNTS.smpp_system_id, password=ACCOUNTS.smpp_password
            )
        except PDUError:
            self.close()
            raise

    def submit(self, **fields: object) -> smpp.pdu.PDU:
        values = {
            "source_addr": "smsotp",
            "dest_addr_ton": 1,
            "destination_addr": NUMBER,
            "short_message": b"hello",
        } | fields
        self.client.send_pdu(smpp.make_pdu("submit_sm", client=self.client, **values))
        return self.client.read_pdu()

    def close(self) -> None:
        self.client.state = consts.SMPP_CLIENT_STATE_OPEN
        self.client.disconnect()


def pdu(command: int, body: bytes = b"", sequence: int = 7) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


BIND = pdu(9, b"smpp-user\0smpppass\0\0\x34\0\0\0")
SUBMIT_BODY = b"\0\0\0smsotp\0\x01\x01491701234567\0" + bytes(9) + b"\x02hi"


def exchange(smsc: Smsc, *sent: bytes) -> bytes:
    with socket.create_connection((smsc.host, smsc.port), timeout=10) as connection:
        connection.sendall(b"".join(sent))
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def raw(smsc: Smsc, *sent: bytes) -> list[tuple[int, ...]]:
    data = exchange(smsc, *sent)
    headers = []
    while data:
        length, *header = struct.unpack(">IIII", data[:16])
        headers.append(tuple(header))
        data = data[length:]
    return headers
