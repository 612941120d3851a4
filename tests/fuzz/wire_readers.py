"""What gateways answer: HTTP, XML-RPC, SMTP and SMPP, from the bytes to the judgement."""

import zlib
from collections.abc import Callable, Iterator
from ssl import SSLContext
from typing import Any

from pydantic import SecretStr

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import DeliveryError, ProtocolViolation
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.http import HttpProvider
from smsotp_plugin.providers.http.settings import HttpSettings
from smsotp_plugin.providers.sipgate import SipgateProvider, SipgateSettings
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.wire.channel import Broken, Channel
from smsotp_plugin.wire.http.client import make_response
from smsotp_plugin.wire.http.reading import Incoming, read_answer, read_head
from smsotp_plugin.wire.smpp.deliver_sm import read_delivery, read_receipt
from smsotp_plugin.wire.smpp.events import Answered, Delivered
from smsotp_plugin.wire.smpp.pdu import DATA_SM, DELIVER_SM, Pdu, pack_pdu
from smsotp_plugin.wire.smpp.receipts import ReceiptBook
from smsotp_plugin.wire.smtp.connection import Connection, Declined, Mail, MailServer
from tests.fuzz.reader import Reader, describe
from tests.fuzz.test_smpp_session import fed
from tests.support import smtp_provider
from tests.unit.test_http_apis import PRESETS

_DEADLINE = Deadline.after(1e9, SystemClock())


def wire_readers() -> list[Reader]:
    """Return the readers of what gateways answer."""
    return [_http(), _xmlrpc(), _smtp(), _smpp()]


def pieces(data: bytes) -> Callable[[], bytes]:
    """Return what hands out a case in pieces whose size is the case's own, and after that its end."""
    size = 1 + zlib.crc32(data) % 400
    left: Iterator[bytes] = (data[start : start + size] for start in range(0, len(data), size))
    return lambda: next(left, b"")


def judged(judge: Callable[[Any], Receipt], answer: Any) -> str:
    """Return how a provider judges an answer."""
    try:
        receipt = judge(answer)
    except DeliveryError as exc:
        return describe(exc)
    assert receipt.gateway_id.isprintable(), "an id that cannot be printed"
    assert len(receipt.gateway_id) <= 128, "an id without an end"
    return "taken"


def _http() -> Reader:
    plain: dict[str, Any] = {"URL": "https://sms.example/", "RETURN_SUCCESS": "OK", "RETURN_FAIL": "ERR"}
    providers = [
        HttpProvider(
            GatewayContext("g", SystemClock()), HttpSettings.model_validate({"provider": "http", **settings})
        )
        for settings in (plain, *PRESETS.values())
    ]

    def read(data: bytes) -> str:
        try:
            read_head(Incoming(pieces(data)))
            answer = read_answer(Incoming(pieces(data)))
        except Broken as exc:
            return describe(exc)
        return " ".join(
            judged(provider.judge, make_response(answer.status, answer.headers, answer.body))
            for provider in providers
        )

    return Reader("http", _HTTP, _HTTP_TOKENS, read)


_HTTP = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nOK: 1a2b3c\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nID: \r\n6\r\nabc123\r\n0\r\nA: b\r\n\r\n",
    b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{"sid": "SM1", "status": "queued", "num_segments": "1"}',
    b'HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\n\r\n{"code": 21211, "message": "no \\u00fc", "status": 400}',
    b"HTTP/1.0 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 x\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nConnection: close\r\n\r\nERR: 101, Invalid",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\n200 OK",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zlib.compress(b"OK", wbits=31),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate, gzip\r\n\r\n"
    + zlib.compress(zlib.compress(b"ID: 7"), wbits=31),
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-16\r\n\r\n"
    + "<b>ERR: 001</b>".encode("utf-16"),
    b"HTTP/1.1 200\nx: y\n z\n\n200 OK: abc",
)
_HTTP_TOKENS = (
    *(b"HTTP/1.1 200 OK\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"="),
    *(
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"identity",
        b"br",
    ),
    *(
        b"Content-Type: text/html; charset=",
        b"utf-7",
        b"utf-16",
        b"idna",
        b"rot13",
        b"x-user-defined",
        b"unicode",
    ),
    *(
        b"Retry-After: ",
        b"Connection: keep-alive\r\n",
        b"Keep-Alive: timeout=",
        b"0\r\n\r\n",
        b"ffffffff\r\n",
    ),
    *(
        b'{"code": ',
        b"[" * 2000,
        b'"\\ud800"',
        b"&#xD800;",
        b"&#99999999;",
        b"<",
        b"ID: ",
        b"ERR: ",
        b"200 OK",
    ),
)


def _xmlrpc() -> Reader:
    settings = SipgateSettings.model_validate({"provider": "sipgate", "USERNAME": "me", "PASSWORD": "x"})
    provider = SipgateProvider(GatewayContext("s", SystemClock()), settings)

    def read(data: bytes) -> str:
        return judged(provider.judge, make_response(200, {"content-type": "text/xml"}, data))

    return Reader("xmlrpc", _XML, _XML_TOKENS, read)


_XML = (
    (
        b"<?xml version='1.0'?><methodResponse><params><param><value><struct><member><name>StatusCode</name><value><int>200"
        b"</int></value></member><member><name>SessionID</name><value><string>S-1</string></value></member></struct></value>"
        b"</param></params></methodResponse>"
    ),
    (
        b"<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>407</int></value></member><member>"
        b"<name>faultString</name><value>no</value></member></struct></value></fault></methodResponse>"
    ),
    (
        b"<methodResponse><params><param><value><struct><member><name>StatusCode</name><value><double>200.0</double></value>"
        b"</member><member><name>a</name><value><array><data><value><boolean>1</boolean></value><value><base64>eA==</base64>"
        b"</value><value><dateTime.iso8601>20260101T00:00:00</dateTime.iso8601></value><value><nil/></value></data></array>"
        b"</value></member></struct></value></param></params></methodResponse>"
    ),
)
_XML_TOKENS = (
    *tuple(
        f"<{name}>".encode()
        for tag in (
            *(
                "methodResponse",
                "params",
                "param",
                "value",
                "struct",
                "member",
                "name",
                "int",
                "i4",
                "i8",
                "string",
            ),
            *(
                "double",
                "boolean",
                "array",
                "data",
                "base64",
                "dateTime.iso8601",
                "nil",
                "fault",
                "bigdecimal",
                "ex:nil",
            ),
        )
        for name in (tag, f"/{tag}", f"{tag}/")
    ),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#xD800;", b"<![CDATA[", b"]]>", b"<!--", b"-->"),
    *(b"<?xml version='1.0' encoding='utf-16'?>", b"StatusCode", b"faultCode", b"nan", b"inf", b" ", b"\x00"),
)


class _Scripted(Channel):
    """A connection to a server that says what a case says, whatever it is told."""

    def __init__(self, data: bytes) -> None:
        super().__init__("the server")
        self._next = pieces(data)

    def connect(self, host: str, port: int, deadline: Deadline, tls: SSLContext | None = None) -> None:
        """Do nothing."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Do nothing."""

    def receive(self, deadline: Deadline) -> bytes:
        del deadline
        return self._next()

    def own_address(self) -> str:
        return "127.0.0.1"


def _smtp() -> Reader:
    provider = smtp_provider.provider()
    server = MailServer("mail.example", 25, None, username="me", password=SecretStr("x"))
    mails = [Mail("otp@example.com", to, b"x\r\n") for to in ("sms@example.net", "s\u00fcms@example.net")]

    def read(data: bytes) -> str:
        connection = Connection(server)
        connection.channel = _Scripted(data)
        try:
            connection.open(_DEADLINE)
            connection.check(_DEADLINE)
            for mail in mails:
                connection.begin(mail, _DEADLINE)
                answer = connection.finish(mail, _DEADLINE)
        except Declined as exc:
            return judged(provider.judge, exc.answer)
        except (Broken, DeliveryError) as exc:
            return describe(exc)
        return judged(provider.judge, answer)

    return Reader("smtp", _SMTP, _SMTP_TOKENS, read)


_SMTP = (
    (
        b"220 mail ESMTP\r\n250-mail\r\n250-AUTH PLAIN LOGIN\r\n250-AUTH=LOGIN\r\n250 SMTPUTF8\r\n235 ok\r\n250 ok\r\n250 ok\r\n"
        b"250 ok\r\n354 go\r\n250 2.0.0 Ok: queued as 4F1\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 <id@x> accepted\r\n"
    ),
    b"220 mail\r\n500 what\r\n250 hello\r\n",
    b"220 mail\r\n250-mail\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 5.7.8 no\r\n",
    b"220 mail\r\n250-mail\r\n250 AUTH CRAM-MD5 PLAIN\r\n334 \r\n235 2.7.0 ok\r\n250 ok\r\n250 ok\r\n550 5.7.1 <sms@example.net>\r\n",
    b"421 4.3.2 busy\r\n",
)
_SMTP_TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"-",
        b" ",
        b"250-",
        b"250 ",
        b"235 ",
        b"334 ",
        b"354 ",
        b"421 ",
        b"4.7.1 ",
        b"5.7.8 ",
    ),
    *(
        b"220 x\r\n",
        b"250 x\r\n",
        b"AUTH ",
        b"AUTH=",
        b"PLAIN",
        b"LOGIN",
        b"SMTPUTF8",
        b"queued as ",
        b"\0",
        b"x" * 3000,
    ),
)


def _smpp() -> Reader:
    def read(data: bytes) -> str:
        _, events = fed(data, 1 + zlib.crc32(data) % 50, bound=bool(zlib.crc32(data) & 1))
        kinds = [type(event).__name__ for event in events]
        for event in events:
            if isinstance(event, Delivered):
                kinds.append(_match(event.delivery))
            if isinstance(event, Answered):
                assert event.message_id.isprintable()
        for command in (DELIVER_SM, DATA_SM):
            try:
                kinds.append(_match(read_delivery(Pdu(command, 0, 1, data[16:]))))
            except ProtocolViolation as exc:
                kinds.append(describe(exc))
        return " ".join(sorted(set(kinds)))

    return Reader("smpp", _SMPP, _SMPP_TOKENS, read)


def _match(delivery: Any) -> str:
    receipt = read_receipt(delivery)
    matched = None if receipt is None else ReceiptBook().match(receipt)
    if matched is None:
        return "no receipt"
    assert (matched.gateway_id + matched.detail).isprintable()
    assert len(matched.gateway_id) <= 64
    return matched.status


_DELIVERY = (
    b"\0\1\x0149170\0\1\x01me\0\x04\0\0\0\0\0\0\0\0\x5fid:7 sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 "
    b"stat:DELIVRD err:000 text:x"
)
_SMPP = (
    pack_pdu(DELIVER_SM, 5, _DELIVERY),
    pack_pdu(
        DELIVER_SM, 6, _DELIVERY + b"\x00\x1e\x00\x02\x37\x00\x04\x27\x00\x01\x02\x04\x23\x00\x03\x03\x00\x0b"
    ),
    pack_pdu(DATA_SM, 7, b"\0\1\x0149170\0\1\x01me\0\x04\0\x08\x04\x24\x00\x04\x00i\x00d"),
    pack_pdu(0x80000004, 2, b"4F1A\0") + pack_pdu(0x80000004, 3, b"", 0x58) + pack_pdu(0x15, 9),
    pack_pdu(0x80000000, 2, b"", 3) + pack_pdu(6, 4) + pack_pdu(0x80000015, 3),
    pack_pdu(0x102, 1, b"\0" * 9) + pack_pdu(0x0B, 1, b"smsc\0x\0") + pack_pdu(0x80000009, 1, b"smsc\0"),
)
_SMPP_TOKENS = (
    *(
        b"\0",
        b"\0\0\0\x10",
        b"\0\0\0\x0f",
        b"\xff\xff\xff\xff",
        b"\x80\0\0\x04",
        b"\0\0\0\x05",
        b"\0\0\x01\x03",
        b"\0\0\0\x15",
    ),
    *(
        b"id:",
        b"stat:",
        b"err:",
        b"text:",
        b"DELIVRD",
        b"\x00\x1e",
        b"\x04\x27",
        b"\x04\x24",
        b"\x04\x23",
        b"\x04",
        b"\x08",
    ),
)
