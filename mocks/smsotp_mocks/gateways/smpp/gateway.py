"""The SMPP mock: an SMSC that speaks SMPP 3.4 on a real socket, strict as the specification."""

import socket
import threading
import time
from collections import OrderedDict, deque
from typing import Any, Self

from smsotp_mocks.faults import words
from smsotp_mocks.faults.plan import MESSAGE, FaultPlan, possible
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.gsm import segments
from smsotp_mocks.gateways.later import Later
from smsotp_mocks.gateways.smpp.pdu import BadPdu, Bind, Command, Status, SubmitSm, Tag
from smsotp_mocks.gateways.smpp.receipts import (
    MessageIds,
    ReceiptPolicy,
    Report,
    State,
    Submitted,
    written_id,
)
from smsotp_mocks.gateways.smpp.session import SmppSession
from smsotp_mocks.gateways.smpp.text import Alphabet, Joiner, Part
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.journal import Entry, Journal, Verdict
from smsotp_mocks.net.certificates import Kind, Tls, trusted_by
from smsotp_mocks.net.tcp_server import TcpServer

STAGES = (MESSAGE, "submit", "bind", "enquire_link", "unbind")
_MOST_SUBMITTED = 20_000
_MOST_UNDELIVERED = 1000


class Smsc(TcpServer):
    """
    Mock of an SMS centre.

    Args:
        inbox: Where messages go; None makes one.
        name: The messages' `gateway`.
        host: Address to listen on, IPv4 or IPv6.
        port: 0 takes a free one.
        tls: What to present; None: plain TCP.
        accounts: The system_id and password that may bind.
        receipts: How delivery is reported; can be changed at any time.
        default_alphabet: What data_coding 0 means.
        window: Most unanswered requests of one client; more are throttled. None: no limit.

    Attributes:
        faults: What to do wrong; the stages are `message` (or `submit`), `bind`, `enquire_link`, `unbind`.
    """

    kind = "smpp"
    system_id = "smsotp-mocks"

    def __init__(  # noqa: PLR0913  every one is an option with a default, given by name
        self,
        inbox: Inbox | None = None,
        *,
        name: str = "smpp",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
        accounts: Accounts | None = None,
        receipts: ReceiptPolicy | None = None,
        default_alphabet: Alphabet = "gsm",
        window: int | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.inbox = inbox if inbox is not None else Inbox()
        self.name = name
        self.accounts = accounts or Accounts()
        self.receipts = receipts or ReceiptPolicy()
        self.default_alphabet: Alphabet = default_alphabet
        self.window = window
        self.later = Later()
        self.faults = FaultPlan(possible(words.SMPP, tls), STAGES, on_release=self.later.flush)
        self.ids = MessageIds()
        self._journal = Journal()
        self._state = threading.Lock()
        self._joiner = Joiner()
        self._sessions: list[SmppSession] = []
        self._submitted: OrderedDict[str, Submitted] = OrderedDict()
        self._undelivered: deque[Report] = deque(maxlen=_MOST_UNDELIVERED)

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""
        return f"{'smpps' if self.tls else 'smpp'}://{self.authority}"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """Binds, submissions and answers that came, rejected ones too, oldest first. Never a password."""
        return self._journal.entries()

    @property
    def bound(self) -> tuple[tuple[str, str], ...]:
        """System id and kind of bind of every client that is bound now."""
        with self._state:
            sessions = list(self._sessions)
        return tuple((it.system_id, it.bound.name.lower()) for it in sessions if it.bound is not None)

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return the TOML table, by dotted name, that makes the plugin send through this mock."""
        return {
            "gateways.smpp": {
                "provider": "smpp",
                "SMSC_HOST": self.host,
                "SMSC_PORT": self.port,
                "SYSTEM_ID": self.accounts.smpp_system_id,
                "PASSWORD": self.accounts.smpp_password,
                "S_ADDR": "smsotp",
                "S_ADDR_TON": 5,
                "S_ADDR_NPI": 0,
                "D_ADDR_TON": 1,
                "D_ADDR_NPI": 1,
                **({"TLS": True} if self.tls else {}),
                **trusted_by(self.tls, "CHECK_SSL"),
            }
        }

    def clear(self) -> None:
        """Forget faults and requests. The inbox may be shared and is left alone."""
        self.faults.clear()
        self._journal.clear()

    def start(self) -> Self:
        if self._listener is None:
            self.later.start()
        try:
            return super().start()
        except OSError:
            self.later.stop()
            raise

    def certificate_kind(self) -> Kind:
        return self.faults.certificate()

    def before_stop(self) -> None:
        self.faults.release()
        self.later.stop()

    def serve(self, connection: socket.socket) -> None:
        session = SmppSession(self, connection)
        with self._state:
            self._sessions.append(session)
        try:
            session.run()
        finally:
            with self._state:
                self._sessions.remove(session)
            for report in session.unanswered():
                self._deliver(report)

    def send_receipt(self, message_id: str, state: State = "DELIVRD") -> bool:
        """
        Report on a message by hand, to any receiver of its sender; later, if none is bound.

        Args:
            message_id: As submit_sm_resp gave it; the inbox keeps it in `wire["message_ids"]`.

        Returns:
            False when no such message was submitted.
        """
        with self._state:
            submitted = self._submitted.get(message_id)
        if submitted is None:
            return False
        self._deliver(self._report(submitted, state))
        return True

    def send_enquire_link(self) -> int:
        """Ask every bound client whether it is there; return how many were asked."""
        return self._to_all(Command.ENQUIRE_LINK)

    def send_unbind(self) -> int:
        """Tell every bound client to go; return how many were told."""
        return self._to_all(Command.UNBIND)

    def authenticate(self, bind: Bind) -> None:
        """Raise BadPdu unless system_id and password are right. For sessions."""
        if bind.system_id != self.accounts.smpp_system_id:
            raise BadPdu(Status.RINVSYSID, "unknown system_id")
        if bind.password != self.accounts.smpp_password:
            raise BadPdu(Status.RINVPASWD, "wrong password")

    def now_bound(self, session: SmppSession) -> None:
        """Hand receipts over that waited for a receiver. For sessions."""
        if not session.receives:
            return
        with self._state:
            mine = [it for it in self._undelivered if it.submitted.system_id == session.system_id]
            for it in mine:
                self._undelivered.remove(it)
        for report in mine:
            self._deliver(report)

    def arrived(self, submit: SubmitSm, part: Part, submitted: Submitted) -> None:
        """Take one part; the message goes to the inbox once it is whole. For sessions."""
        message_id = written_id(submitted.number, self.receipts.submit_ids)
        details = (message_id, submit.as_dict() | {"udh": part.udh.hex(), "alphabet": part.alphabet})
        key = (submitted.system_id, submit.source_addr, submit.destination_addr)
        with self._state:
            self._submitted[message_id] = submitted
            if len(self._submitted) > _MOST_SUBMITTED:
                self._submitted.popitem(last=False)
            parts = self._joiner.add(key, part, details)
        if parts is None:
            return
        text = "".join(part.text for part, _ in parts)
        self.inbox.add(
            gateway=self.name,
            protocol="smpp",
            number=submit.destination_addr,
            text=text,
            # Of a message_payload the network makes as many short messages as it needs.
            segments=segments(text) if Tag.MESSAGE_PAYLOAD in submit.tlvs else len(parts),
            wire={
                "system_id": submitted.system_id,
                "sender": submit.source_addr,
                "message_ids": [message_id for _, (message_id, _) in parts],
                "parts": [fields for _, (_, fields) in parts],
            },
        )

    def plan_receipt(self, submitted: Submitted, session: SmppSession) -> None:
        """Report on a message as the policy says, to the session that submitted it if it can receive. For sessions."""
        policy = self.receipts
        if policy.automatic and submitted.wants(policy.state):
            report = self._report(submitted, policy.state)
            self.later.after(policy.delay, lambda: self._deliver(report, session))

    def report_later(self, report: Report) -> None:
        """Send a report again that could not be taken. For sessions."""
        self.later.after(self.receipts.again, lambda: self._deliver(report))

    def note(self, verdict: Verdict, reason: str, wire: dict[str, Any], status: int | None = None) -> None:
        """Write into the journal, with the command_status that was answered. For sessions."""
        answer = "" if status is None else f"command_status 0x{status:08x} {_name(status)}".rstrip()
        self._journal.add(Entry(time.time(), self.name, verdict, reason, wire, answer))
        if verdict != "accepted" and reason:
            self.inbox.reject(self.name, reason)

    def _report(self, submitted: Submitted, state: State) -> Report:
        return Report(submitted, state, submitted.receipt_ids or self.receipts.receipt_ids)

    def _deliver(self, report: Report, wanted: SmppSession | None = None) -> None:
        with self._state:
            receivers = [
                it for it in self._sessions if it.receives and it.system_id == report.submitted.system_id
            ]
            if not receivers:
                self._undelivered.append(report)
                return
            receiver = wanted if wanted in receivers and wanted is not None else receivers[0]
        receiver.deliver(report)

    def _to_all(self, command: Command) -> int:
        with self._state:
            sessions = [session for session in self._sessions if session.bound is not None]
        for session in sessions:
            session.send_request(command)
        return len(sessions)


def _name(status: int) -> str:
    try:
        return f"ESME_{Status(status).name}"
    except ValueError:
        return ""
