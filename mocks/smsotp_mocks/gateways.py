"""The table of all gateways, for whoever starts them by name."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from smsotp_mocks.faults import FaultPlan
from smsotp_mocks.http_gateway import HttpGateway
from smsotp_mocks.inbox import Inbox
from smsotp_mocks.journal import Entry
from smsotp_mocks.sipgate import SipgateGateway
from smsotp_mocks.smsc import Smsc
from smsotp_mocks.smtp import SmtpGateway


class Gateway(Protocol):
    """What every mock gateway can do."""

    inbox: Inbox
    faults: FaultPlan

    @property
    def kind(self) -> str:
        """`http`, `sipgate`, `smtp` or `smpp`."""

    @property
    def address(self) -> str:
        """Where it listens, as a person would write it."""

    @property
    def requests(self) -> tuple[Entry, ...]:
        """Everything that came."""

    def configuration(self) -> dict[str, dict[str, Any]]:
        """Return TOML tables, by dotted name, that make the plugin send through this mock."""

    def start(self) -> Self:
        """Listen."""

    def stop(self) -> None:
        """Close everything; `start` listens on the same port again."""

    def clear(self) -> None:
        """Forget faults and requests."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


gateways_of: dict[str, Callable[[Inbox, str, int], Gateway]] = {
    "http": lambda inbox, host, port: HttpGateway(inbox, host=host, port=port),
    "sipgate": lambda inbox, host, port: SipgateGateway(inbox, host=host, port=port),
    "smtp": lambda inbox, host, port: SmtpGateway(inbox, host=host, port=port),
    "smpp": lambda inbox, host, port: Smsc(inbox, host=host, port=port),
}
