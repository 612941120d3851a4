"""The SMPP mock: an SMSC that speaks SMPP 3.4 on a real socket, as strictly as the specification."""

import socket
import threading
from typing import Any, Self

from smsotp_mocks.faults import words
from smsotp_mocks.faults.plan import MESSAGE, FaultPlan, list_possible
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smpp.centre import Centre
from smsotp_mocks.gateways.smpp.decoding import Alphabet
from smsotp_mocks.gateways.smpp.pdu import Command
from smsotp_mocks.gateways.smpp.receipts import ReceiptPolicy, State
from smsotp_mocks.gateways.smpp.session import SmppSession, SmppTerms
from smsotp_mocks.gateways.timer import Timer
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Tls, set_authority

_EARLY = ("bind", "enquire_link", "unbind")
STAGES = (MESSAGE, "submit", *_EARLY)


class Smsc(Gateway):
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
        binds: Most clients that are bound at the same time; more are refused (ESME_RBINDFAIL). None: no limit.

    Attributes:
        faults: What to do wrong; the stages are ``message`` (or ``submit``), ``bind``, ``enquire_link``, ``unbind``.
    """

    kind = "smpp"
    system_id = "smsotp-mocks"

    def __init__(  # noqa: PLR0913  (every one is an option with a default, given by name)
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
        binds: int | None = None,
    ) -> None:
        timer = Timer()
        faults = FaultPlan(list_possible(words.SMPP, tls), STAGES, early=_EARLY, on_release=timer.flush)
        super().__init__(inbox, accounts, faults, name=name, host=host, port=port, tls=tls)
        places = None if binds is None else threading.Semaphore(binds)
        self._terms = SmppTerms(self.system_id, default_alphabet, window, places)
        self._centre = Centre(self.inbox, name, receipts or ReceiptPolicy(), timer)
        self._timer = timer
        self._state = threading.Lock()
        self._sessions: list[SmppSession] = []

    @property
    def receipts(self) -> ReceiptPolicy:
        """How delivery is reported; can be changed at any time."""
        return self._centre.receipts

    @receipts.setter
    def receipts(self, policy: ReceiptPolicy) -> None:
        self._centre.receipts = policy

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""
        return f"{'smpps' if self.tls else 'smpp'}://{self.authority}"

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
                **set_authority(self.tls, "CHECK_SSL"),
            }
        }

    def start(self) -> Self:
        if self._listener is None:
            self._timer.start()
        try:
            return super().start()
        except OSError:
            self._timer.stop()
            raise

    def before_stop(self) -> None:
        super().before_stop()
        self._timer.stop()

    def serve(self, connection: socket.socket) -> None:
        session = SmppSession(self, self._terms, self._centre, connection)
        with self._state:
            self._sessions.append(session)
        self._centre.note_session(session)
        try:
            session.run()
        finally:
            with self._state:
                self._sessions.remove(session)
            self._centre.note_end(session)

    def send_receipt(self, message_id: str, state: State = "DELIVRD") -> bool:
        """
        Report on a message by hand, to any receiver of its sender; later, if none is bound.

        Args:
            message_id: As submit_sm_resp gave it; the inbox keeps it in ``wire["message_ids"]``.

        Returns:
            False when no such message was submitted.
        """
        return self._centre.report_now(message_id, state)

    def send_enquire_link(self) -> int:
        """Ask every bound client whether it is there; return how many were asked."""
        return self._to_all(Command.ENQUIRE_LINK)

    def send_unbind(self) -> int:
        """Tell every bound client to go; return how many were told."""
        return self._to_all(Command.UNBIND)

    def _to_all(self, command: Command) -> int:
        with self._state:
            sessions = [session for session in self._sessions if session.bound is not None]
        for session in sessions:
            session.send_request(command)
        return len(sessions)
