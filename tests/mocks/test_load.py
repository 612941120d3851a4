"""Ten thousand messages through each mock, and none is lost."""

import http.client
import smtplib
import socket
import struct
import xmlrpc.client

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.inbox.inbox import Inbox

MANY = 10_000


def ids(inbox: Inbox) -> list[int]:
    return [message.id for message in inbox.messages(number="+491701234567")]


def test_http_loses_nothing(inbox: Inbox) -> None:
    with HttpGateway(inbox) as gateway:
        connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=30)
        for _ in range(MANY):
            connection.request("GET", "/?to=%2B491701234567&text=123456")
            connection.getresponse().read()
        connection.close()

    assert ids(inbox) == list(range(1, MANY + 1))


def test_sipgate_loses_nothing(inbox: Inbox) -> None:
    call = {"RemoteUri": "sip:491701234567@sipgate.net", "TOS": "text", "Content": "123456"}
    with SipgateGateway(inbox) as gateway:
        url = f"http://sipgate-user:sipgate-password@{gateway.authority}/RPC2"
        with xmlrpc.client.ServerProxy(url) as server:
            for _ in range(MANY):
                server.samurai.SessionInitiate(call)

    assert ids(inbox) == list(range(1, MANY + 1))


def test_smtp_loses_nothing(inbox: Inbox) -> None:
    with SmtpGateway(inbox) as gateway, smtplib.SMTP(gateway.host, gateway.port, timeout=30) as client:
        for _ in range(MANY):
            client.sendmail("a@example.com", ["+491701234567@example.com"], "Subject: x\r\n\r\n123456")

    assert ids(inbox) == list(range(1, MANY + 1))


def test_smpp_loses_nothing(inbox: Inbox) -> None:
    bind = b"smpp-user\0smpppass\0\0\x34\0\0\0"
    submit = b"\0\0\0smsotp\0\x01\x01491701234567\0" + bytes(9) + b"\x06123456"
    with (
        Smsc(inbox) as gateway,
        socket.create_connection((gateway.host, gateway.port), timeout=30) as connection,
    ):
        stream = connection.makefile("rb")
        connection.sendall(struct.pack(">IIII", 16 + len(bind), 2, 0, 1) + bind)
        (length,) = struct.unpack(">I", stream.read(4))
        stream.read(length - 4)
        for first in range(2, MANY + 2, 100):
            window = (struct.pack(">IIII", 16 + len(submit), 4, 0, first + at) + submit for at in range(100))
            connection.sendall(b"".join(window))
            # An answer: 16 octets of header, 8 of message id, and its NUL.
            assert b"".join(stream.read(25)[8:12] for _ in range(100)) == bytes(400)
        stream.close()

    assert ids(inbox) == list(range(1, MANY + 1))
