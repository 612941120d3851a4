"""What all mock gateways have: an inbox to fill, credentials, faults, and a journal of what came."""

import time
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from smsotp_mocks.faults.plan import FaultPlan
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.inbox.journal import Entry, Journal, Verdict
from smsotp_mocks.net.certificates import Kind, Tls
from smsotp_mocks.net.tcp_server import TcpServer


class Gateway(TcpServer, ABC):
    """
    A mock gateway on a real socket.

    Args:
        inbox: Where messages go; None makes one.
        accounts: The credentials that are accepted; None: the usual ones.
        faults: What to do wrong.
        name: The messages' `gateway`.
        host: Address to listen on, IPv4 or IPv6.
        port: 0 takes a free one.
        tls: What to present from the first byte; None: no TLS there.
    """

    #: The word by which this mock is started: ``http``, ``sipgate``, ``smtp`` or ``smpp``.
    kind: ClassVar[str]

    def __init__(  # noqa: PLR0913  (what each gateway's own options become)
        self,
        inbox: Inbox | None,
        accounts: Accounts | None,
        faults: FaultPlan,
        *,
        name: str,
        host: str,
        port: int,
        tls: Tls | None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.inbox = inbox if inbox is not None else Inbox()
        self.accounts = accounts or Accounts()
        self.faults = faults
        self.name = name
        self._journal = Journal()

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it listens, as a person would write it."""

    @abstractmethod
    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return TOML tables, by dotted name, that make the plugin send through this mock."""

    @property
    def requests(self) -> tuple[Entry, ...]:
        """Everything that came and asked for something, oldest first, rejected or not; without passwords."""
        return self._journal.entries()

    def clear(self) -> None:
        """Forget faults and requests. The inbox may be shared and is left alone."""
        self.faults.clear()
        self._journal.clear()

    def note(
        self,
        verdict: Verdict,
        reason: str,
        wire: dict[str, Any],
        *,
        answer: str = "",
        gateway: str | None = None,
    ) -> None:
        """
        Write into the journal, and tell the inbox of what was not taken.

        Args:
            verdict: As in `Entry`.
            reason: As in `Entry`.
            wire: As in `Entry`.
            answer: As in `Entry`.
            gateway: Another name than this gateway's.
        """
        name = gateway or self.name
        self._journal.add(Entry(time.time(), name, verdict, reason, wire, answer))
        if verdict != "accepted" and reason:
            self.inbox.reject(name, reason)

    def certificate_kind(self) -> Kind:
        return self.faults.certificate()

    def before_stop(self) -> None:
        self.faults.release()
