"""The HTTP mock gateway: a threaded HTTP/1.1 server on a real socket that shows several faces, chosen by the path."""

import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from smsotp_mocks.faults import words
from smsotp_mocks.faults.plan import MESSAGE, FaultPlan, list_possible
from smsotp_mocks.faults.words import Fault
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.gsm import count_segments
from smsotp_mocks.gateways.http.configuration import make_http_configuration
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission
from smsotp_mocks.gateways.http.faces.clickatell import ClickatellFace
from smsotp_mocks.gateways.http.faces.gtx import GtxFace
from smsotp_mocks.gateways.http.faces.plain import PlainFace
from smsotp_mocks.gateways.http.faces.twilio import TwilioFace
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Tls, set_authority
from smsotp_mocks.net.http import CONTINUE, Answer, BadRequest, Request, answer_text, read_request
from smsotp_mocks.net.tcp_server import finish, reset

GARBAGE = b"\x00\xff\x15\x03 this is no HTTP \xfe\xfd\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _Reply:
    """What leaves: the bytes, and what becomes of the connection."""

    data: bytes
    ending: str = "keep"  # keep, close or reset


class HttpGateway(Gateway):
    """
    Mock of several HTTP SMS gateways at once.

    ``/http/sendmsg`` is Clickatell, ``/smsc.php`` GTX-Messaging, ``/2010-04-01/Accounts/{sid}/Messages[.json]`` Twilio;
    every other path is the plain face.

    Args:
        inbox: Where messages go; None makes one.
        name: The messages' `gateway`; None: the name of the face (``http``, ``clickatell``, ``gtx``, ``twilio``).
        host: Address to listen on.
        port: 0 takes a free one.
        tls: What to present; None: plain HTTP.
        accounts: The credentials that the faces accept.
        faces: Other faces than the usual ones; the first that owns the path is taken.

    Attributes:
        faults: What to do wrong. A rule may name a face with ``at``.
    """

    kind = "http"
    words = words.HTTP

    def __init__(  # noqa: PLR0913  (every one is an option with a default, given by name)
        self,
        inbox: Inbox | None = None,
        *,
        name: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        accounts: Accounts | None = None,
        faces: Iterable[Face] = (),
    ) -> None:
        known = accounts or Accounts()
        self.faces = tuple(faces) or make_usual_faces(known)
        stages = (MESSAGE, *(face.name for face in self.faces))
        super().__init__(
            inbox,
            known,
            FaultPlan(list_possible(self.words, tls), stages),
            name=name or self.kind,
            host=host,
            port=port,
            tls=tls,
        )
        self._named_by_face = name is None

    @property
    def url(self) -> str:
        """Scheme, address and port, without a path or a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""
        return self.url

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return TOML tables, by dotted name, that make the plugin send through each face."""
        return make_http_configuration(self.url, self.accounts, set_authority(self.tls, "CHECK_SSL"))

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while True:
                try:
                    request = read_request(stream, lambda: connection.sendall(CONTINUE))
                except BadRequest as bad:
                    answer = answer_text(bad.status, f"{bad.reason}\n")
                    self.note("rejected", bad.reason, {}, answer=_describe_answer(answer))
                    connection.sendall(answer.to_bytes(keep_alive=False))
                    return
                if request is None:
                    return
                reply = self._reply(request)
                if reply.ending == "reset":
                    reset(connection)
                    return
                connection.sendall(reply.data)
                if reply.ending == "close" or not request.keeps_alive:
                    finish(connection)
                    return

    def _reply(self, request: Request) -> _Reply:
        face = next(face for face in self.faces if face.owns(request.path))
        gateway = face.name if self._named_by_face else self.name
        try:
            read = face.read(request)
        except Rejected as rejected:
            return self._reject(gateway, request, rejected.reason, rejected.answer)
        except BadRequest as bad:
            return self._reject(gateway, request, bad.reason, answer_text(bad.status, f"{bad.reason}\n"))
        if isinstance(read, Answer):
            self.note("accepted", "", request.as_dict(), gateway=gateway)
            return _send_whole(request, read)
        fault = self.faults.take(read.number, MESSAGE, face.name)
        exchange = _Exchange(self, face, gateway, request, read)
        if fault is None:
            self.note("accepted", "", request.as_dict(), gateway=gateway)
            return exchange.answer_well()
        self.note("fault", fault.action, request.as_dict(), gateway=gateway)
        return exchange.answer_broken(fault)

    def _reject(self, gateway: str, request: Request, reason: str, answer: Answer) -> _Reply:
        self.note("rejected", reason, request.as_dict(), answer=_describe_answer(answer), gateway=gateway)
        return _send_whole(request, answer)


class _Exchange:
    """One submission on its way from the request to the answer."""

    def __init__(
        self, server: HttpGateway, face: Face, gateway: str, request: Request, submission: Submission
    ) -> None:
        self._server = server
        self._face = face
        self._gateway = gateway
        self._request = request
        self._submission = submission

    def answer_well(self) -> _Reply:
        """Take the message and answer as the gateway does."""
        self._arrive()
        return self._answer_success()

    def answer_broken(self, fault: Fault) -> _Reply:
        """Do what the fault says."""
        if fault.action == "delay":
            self._server.faults.pause(fault.seconds)
        for _ in range(fault.copies):
            self._arrive()
        return self._answer_success() if fault.well else self._list_answers()[fault.action](fault)

    def _list_answers(self) -> dict[str, Callable[[Fault], _Reply]]:
        return {
            "hang": self._hang,
            "mute": self._hang,
            "reset-before": lambda _: _Reply(b"", "reset"),
            "reset-after": lambda _: _Reply(b"", "reset"),
            "half": self._answer_half,
            "garbage": lambda _: _Reply(GARBAGE, "close"),
            "throttle": lambda _: self._answer_trouble("throttle"),
            "refuse": lambda _: self._answer_trouble("refuse"),
            "unavailable": lambda _: self._answer_trouble("unavailable"),
            "status": self._answer_status,
            "answer": self._answer_status,
            "xml-fault": lambda fault: _send_whole(self._request, self._face.answer_fault(fault)),
        }

    def _arrive(self) -> None:
        submission = self._submission
        self._server.inbox.add(
            gateway=self._gateway,
            protocol=self._face.protocol,
            number=submission.number,
            text=submission.text,
            segments=count_segments(submission.text),
            wire={"face": self._face.name, "sender": submission.sender, "request": self._request.as_dict()},
        )

    def _answer_success(self) -> _Reply:
        answer = self._face.answer_accepted(self._request, self._submission, secrets.token_hex(16))
        return _send_whole(self._request, answer)

    def _hang(self, _: Fault) -> _Reply:
        self._server.faults.hang()
        return _Reply(b"", "close")

    def _answer_half(self, fault: Fault) -> _Reply:
        whole = self._answer_success().data
        return _Reply(whole[: len(whole) // 2 if fault.bytes is None else fault.bytes], "close")

    def _answer_trouble(self, kind: Any) -> _Reply:
        return _send_whole(self._request, self._face.answer_trouble(kind, self._request, self._submission))

    def _answer_status(self, fault: Fault) -> _Reply:
        return _send_whole(self._request, answer_text(fault.code or 500, fault.text or ""))


def make_usual_faces(accounts: Accounts) -> tuple[Face, ...]:
    """Return the faces of the HTTP mock; the plain one comes last, as it owns every path."""
    return (ClickatellFace(accounts), GtxFace(accounts), TwilioFace(accounts), PlainFace(accounts))


def _send_whole(request: Request, answer: Answer) -> _Reply:
    return _Reply(answer.to_bytes(keep_alive=request.keeps_alive, with_body=request.method != "HEAD"))


def _describe_answer(answer: Answer) -> str:
    return f"{answer.status} {answer.body.decode('utf-8', 'replace')}"
