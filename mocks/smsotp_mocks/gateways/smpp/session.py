"""One client's connection to the SMPP mock: the states of SMPP 3.4 section 2.2, and what is answered in each."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from smsotp_mocks.faults.words import MESSAGE, Fault
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smpp.centre import Centre
from smsotp_mocks.gateways.smpp.decoding import Alphabet, Part, decode
from smsotp_mocks.gateways.smpp.judge import judge
from smsotp_mocks.gateways.smpp.pdu import (
    HEADER,
    MOST_PDU,
    RESPONSE,
    BadPdu,
    Bind,
    Command,
    Pdu,
    Status,
    SubmitSm,
    Tag,
    write_tlvs,
)
from smsotp_mocks.gateways.smpp.receipts import IdForm, Report, Submitted
from smsotp_mocks.inbox.journal import Verdict
from smsotp_mocks.net.tcp_server import reset

_BINDS = {Command.BIND_TRANSMITTER, Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER}
_TROUBLE = {"throttle": Status.RTHROTTLED, "refuse": Status.RINVDSTADR, "unavailable": Status.RSYSERR}
_GARBAGE = b"\xff" * 40
_VERSION = 0x34
_LAST_SEQUENCE = 0x7FFFFFFF  # section 3.2: from 1
_MOST_TRIES = 5  # of one receipt


class _Closed(ConnectionAbortedError):
    """The session is over."""


@dataclass(frozen=True, slots=True)
class SmppTerms:
    """
    What is the same for every client.

    Attributes:
        system_id: The SMSC's own.
        default_alphabet: What data_coding 0 means.
        window: Most unanswered requests of one client; None: no limit.
        binds: A place for each client that may be bound; None: no limit.
    """

    system_id: str
    default_alphabet: Alphabet
    window: int | None
    binds: threading.Semaphore | None


class SmppSession:
    """
    Reads PDUs and answers them until the client has gone.

    Args:
        gateway: Whose journal, faults and accounts.
        terms: What is the same for every client.
        centre: Takes messages, and gives reports.
        connection: The client's.

    Attributes:
        system_id: Of a bound client, else empty.
        bound: ``bind_transmitter``, ``bind_receiver`` or ``bind_transceiver`` once bound.
    """

    def __init__(self, gateway: Gateway, terms: SmppTerms, centre: Centre, connection: socket.socket) -> None:
        self._gateway = gateway
        self._terms = terms
        self._centre = centre
        self._connection = connection
        self._writing = threading.Lock()
        self._sequence = 0
        self._outstanding = 0
        self._reports: dict[int, Report] = {}
        self._has_place = False
        self._has_ended = False
        self.system_id = ""
        self.bound: Command | None = None

    @property
    def receives(self) -> bool:
        """Whether deliver_sm may be sent here."""
        return self.bound in (Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER)

    def run(self) -> None:
        """Serve until the connection ends."""
        with (
            contextlib.closing(self),
            self._connection.makefile("rb") as stream,
            contextlib.suppress(_Closed),
        ):
            while (pdu := self._read(stream)) is not None:
                self._handle(pdu)
        with self._writing:
            # From now on nothing may be written: another connection may get the number of this one.
            self._has_ended = True

    def close(self) -> None:
        """Leave the place of a bind to others."""
        if self._has_place and self._terms.binds is not None:
            self._has_place = False
            self._terms.binds.release()

    def deliver(self, report: Report) -> None:
        """Send a deliver_sm; it is repeated, here or elsewhere, until the client has taken it."""
        body = report.message().to_body()
        with self._writing:
            sequence = self._next_sequence()
            self._reports[sequence] = report
        with contextlib.suppress(OSError):  # the connection has gone; `list_unanswered` has the report
            self._send(Pdu(Command.DELIVER_SM, 0, sequence, body))

    def list_unanswered(self) -> list[Report]:
        """Return the reports that the client has not answered; they are no longer this session's."""
        with self._writing:
            reports, self._reports = list(self._reports.values()), {}
        return reports

    def send_request(self, command: Command) -> int:
        """Send a request of the SMSC's own, which has no body; return its sequence number."""
        with self._writing:
            sequence = self._next_sequence()
        self._send(Pdu(command, 0, sequence, b""))
        return sequence

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _read(self, stream: BinaryIO) -> Pdu | None:
        head = stream.read(HEADER.size)
        if len(head) < HEADER.size:
            return None
        length, command, status, sequence = HEADER.unpack(head)
        if not HEADER.size <= length <= MOST_PDU:
            self._note("rejected", f"a PDU of the length {length}", {"header": head.hex()}, Status.RINVCMDLEN)
            self._send(Pdu(Command.GENERIC_NACK, Status.RINVCMDLEN, sequence, b""))
            return None
        body = stream.read(length - HEADER.size)
        return Pdu(command, status, sequence, body) if len(body) == length - HEADER.size else None

    def _handle(self, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            self._note("accepted" if pdu.status == 0 else "rejected", "", _describe_wire(pdu))
            self._settle(pdu)
        elif not 1 <= pdu.sequence <= _LAST_SEQUENCE:
            self._note(
                "rejected",
                f"sequence_number 0x{pdu.sequence:08x} is reserved",
                _describe_wire(pdu),
                Status.RUNKNOWNERR,
            )
            self._answer(pdu, Status.RUNKNOWNERR)
        elif pdu.command in _BINDS:
            self._strike_at_stage("bind", pdu, self._bind)
        elif pdu.command == Command.UNBIND:
            self._strike_at_stage("unbind", pdu, self._unbind)
        elif pdu.command == Command.ENQUIRE_LINK:
            self._strike_at_stage("enquire_link", pdu, lambda it: self._answer(it, Status.ROK))
        elif pdu.command == Command.SUBMIT_SM:
            self._submit(pdu)
        else:
            self._note("rejected", "an unknown command", _describe_wire(pdu), Status.RINVCMDID)
            self._send(Pdu(Command.GENERIC_NACK, Status.RINVCMDID, pdu.sequence, b""))

    def _settle(self, pdu: Pdu) -> None:
        """Look at the answer to a report: one that the client could not take now is sent again (section 5.1.3)."""
        with self._writing:
            report = self._reports.pop(pdu.sequence, None)
        if report is not None and pdu.status == Status.RX_T_APPN and report.tries < _MOST_TRIES:
            self._centre.report_again(replace(report, tries=report.tries + 1), self)

    def _strike_at_stage(self, stage: str, pdu: Pdu, normal: Callable[[Pdu], None]) -> None:
        fault = self._gateway.faults.take(None, stage)
        if fault is None:
            normal(pdu)
            return
        self._note("fault", f"{fault.action} at {stage}", _describe_wire(pdu))
        if fault.action == "delay":
            self._delay(fault.seconds, lambda: normal(pdu))
        elif fault.action == "refuse" and stage == "bind":
            self._answer(pdu, Status.RBINDFAIL)
        else:
            self._break(fault, pdu, b"")

    def _bind(self, pdu: Pdu) -> None:
        try:
            bind = self._authenticate(pdu)
        except BadPdu as bad:
            self._note("rejected", bad.reason, {"command": Command(pdu.command).name.lower()}, bad.status)
            self._answer(pdu, bad.status)
            return
        self.system_id = bind.system_id
        self.bound = Command(pdu.command)
        wire = {
            "command": self.bound.name.lower(),
            "system_id": bind.system_id,
            "system_type": bind.system_type,
            "interface_version": bind.interface_version,
        }
        self._note("accepted", "", wire)
        # Section 4.1.2: a client of an older version knows no optional parameters.
        knows_options = bind.interface_version >= _VERSION
        version = write_tlvs({Tag.SC_INTERFACE_VERSION: bytes([_VERSION])}) if knows_options else b""
        self._answer(pdu, Status.ROK, self._terms.system_id.encode() + b"\0" + version)
        self._centre.note_bind(self)

    def _authenticate(self, pdu: Pdu) -> Bind:
        if self.bound is not None:
            raise BadPdu(Status.RALYBND, "already bound")
        bind = Bind.parse(pdu.body)
        accounts = self._gateway.accounts
        if bind.system_id != accounts.smpp_system_id:
            raise BadPdu(Status.RINVSYSID, "unknown system_id")
        if bind.password != accounts.smpp_password:
            raise BadPdu(Status.RINVPASWD, "wrong password")
        if self._terms.binds is not None:
            if not self._terms.binds.acquire(blocking=False):
                raise BadPdu(Status.RBINDFAIL, "no more clients may be bound")
            self._has_place = True
        return bind

    def _unbind(self, pdu: Pdu) -> None:
        if self.bound is None:
            self._answer(pdu, Status.RINVBNDSTS)
            return
        self.bound = None
        # Whoever reads the answer may have another client bind at once.
        self.close()
        self._answer(pdu, Status.ROK)
        raise _Closed

    def _submit(self, pdu: Pdu) -> None:
        try:
            submit, part = self._judge(pdu)
        except BadPdu as bad:
            self._note("rejected", bad.reason, _describe_wire(pdu), bad.status)
            self._answer(pdu, bad.status)
            return
        fault = self._gateway.faults.take(submit.destination_addr, MESSAGE, "submit")
        submitted = self._centre.number(submit, self.system_id, part.text)
        if fault is None:
            self._note("accepted", "", submit.as_dict())
            self._take(pdu, submit, part, submitted)
            return
        self._note("fault", fault.action, submit.as_dict())
        if fault.action == "delay":
            self._take_later(fault.seconds, pdu, submit, part, submitted)
        elif fault.action == "receipt-ids":
            form = cast("IdForm", fault.text)
            self._take(pdu, submit, part, replace(submitted, receipt_ids=form))
        elif fault.well:
            self._take(pdu, submit, part, submitted, fault.copies)
        else:
            for _ in range(fault.copies):
                self._centre.take(submit, part, submitted, self)
            self._break(fault, pdu, self._pack_response_body(submitted))

    def _judge(self, pdu: Pdu) -> tuple[SubmitSm, Part]:
        if self.bound not in (Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER):
            raise BadPdu(Status.RINVBNDSTS, "not bound for sending")
        submit = SubmitSm.parse(pdu.body)
        judge(submit)
        part = decode(submit, self._terms.default_alphabet)
        if self._terms.window is not None and self._outstanding >= self._terms.window:
            raise BadPdu(
                Status.RTHROTTLED,
                f"more requests are unanswered than the window has room for ({self._terms.window})",
            )
        return submit, part

    def _take(self, pdu: Pdu, submit: SubmitSm, part: Part, submitted: Submitted, copies: int = 1) -> None:
        for _ in range(copies):
            self._centre.take(submit, part, submitted, self)
        self._answer(pdu, Status.ROK, self._pack_response_body(submitted))
        if copies:
            self._centre.plan_report(submitted, self)

    def _take_later(
        self, seconds: float, pdu: Pdu, submit: SubmitSm, part: Part, submitted: Submitted
    ) -> None:
        with self._writing:
            self._outstanding += 1

        def take() -> None:
            with self._writing:
                self._outstanding -= 1
            self._take(pdu, submit, part, submitted)

        self._delay(seconds, take)

    def _delay(self, seconds: float, action: Callable[[], None]) -> None:
        self._centre.timer.call_after(seconds, action)
        if self._gateway.faults.is_released():
            # Since the fault was taken, and maybe before this could be ended.
            self._centre.timer.flush()

    def _pack_response_body(self, submitted: Submitted) -> bytes:
        return self._centre.message_id(submitted).encode() + b"\0"

    def _break(self, fault: Fault, pdu: Pdu, body: bytes) -> None:
        """Do what a fault does to any PDU; ``hang`` and ``mute`` do nothing."""
        if fault.action in ("reset-before", "reset-after"):
            with self._writing:
                self._has_ended = True
                reset(self._connection)
            raise _Closed
        if fault.action == "half":
            whole = Pdu(pdu.command | RESPONSE, 0, pdu.sequence, body).to_bytes()
            self._write(whole[: len(whole) // 2 if fault.bytes is None else fault.bytes])
            raise _Closed
        if fault.action == "garbage":
            self._write(_GARBAGE)
            raise _Closed
        if fault.action in _TROUBLE:
            self._answer(pdu, _TROUBLE[fault.action])
        elif fault.action == "smpp-status":
            self._answer(pdu, fault.code or 0, body if not fault.code else b"")

    def _answer(self, pdu: Pdu, status: int, body: bytes = b"") -> None:
        self._send(Pdu(pdu.command | RESPONSE, status, pdu.sequence, body))

    def _send(self, pdu: Pdu) -> None:
        self._write(pdu.to_bytes())

    def _write(self, data: bytes) -> None:
        with self._writing:
            if self._has_ended:
                raise _Closed
            self._connection.sendall(data)

    def _note(self, verdict: Verdict, reason: str, wire: dict[str, Any], status: int | None = None) -> None:
        """Write into the journal, with the command_status that was answered."""
        answer = "" if status is None else f"command_status 0x{status:08x} {_name_status(status)}".rstrip()
        self._gateway.note(verdict, reason, wire, answer=answer)


def _describe_wire(pdu: Pdu) -> dict[str, Any]:
    """Return a PDU as JSON types; a bind's body is left out, as it holds the password."""
    body = "" if pdu.command in _BINDS else pdu.body.hex()
    return {
        "command_id": f"0x{pdu.command:08x}",
        "command_status": pdu.status,
        "sequence_number": pdu.sequence,
        "body": body,
    }


def _name_status(status: int) -> str:
    try:
        return f"ESME_{Status(status).name}"
    except ValueError:
        return ""
