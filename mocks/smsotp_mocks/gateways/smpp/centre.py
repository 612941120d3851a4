"""What an SMS centre knows whoever is connected: the submitted messages, and the reports that are still to be delivered."""

import threading
from collections import OrderedDict, deque
from typing import Protocol

from smsotp_mocks.gateways.gsm import count_octet_segments, count_segments, count_ucs2_segments
from smsotp_mocks.gateways.smpp.decoding import Joiner, Part
from smsotp_mocks.gateways.smpp.pdu import SubmitSm, Tag
from smsotp_mocks.gateways.smpp.receipts import (
    MessageIds,
    ReceiptPolicy,
    Report,
    State,
    Submitted,
    write_id,
)
from smsotp_mocks.gateways.timer import Timer
from smsotp_mocks.inbox.inbox import Inbox

_MOST_SUBMITTED = 20_000
_MOST_UNDELIVERED = 1000


class Receiver(Protocol):
    """A client's session, as far as reports go."""

    @property
    def system_id(self) -> str:
        """Who is bound."""

    @property
    def receives(self) -> bool:
        """Whether reports may be sent there now."""

    def deliver(self, report: Report) -> None:
        """Send a report."""

    def list_unanswered(self) -> list[Report]:
        """Return the reports that were sent and not answered; they are no longer this session's."""


class Centre:
    """
    The memory of one SMSC. Safe to use from any thread.

    Args:
        inbox: Where whole messages go.
        name: The messages' `gateway`.
        receipts: How delivery is reported.
        timer: Runs what is to be done later.

    Attributes:
        receipts: As given; can be changed at any time.
        timer: As given.
    """

    def __init__(self, inbox: Inbox, name: str, receipts: ReceiptPolicy, timer: Timer) -> None:
        self.receipts = receipts
        self.timer = timer
        self._inbox = inbox
        self._name = name
        self._ids = MessageIds()
        self._lock = threading.Lock()
        self._joiner = Joiner()
        self._receivers: list[Receiver] = []
        self._submitted: OrderedDict[str, tuple[Submitted, Receiver]] = OrderedDict()
        self._undelivered: deque[Report] = deque(maxlen=_MOST_UNDELIVERED)

    def number(self, submit: SubmitSm, system_id: str, text: str) -> Submitted:
        """Give the next number to a submission of this client; `text` is decoded."""
        return self._ids.submitted(submit, system_id, text)

    def message_id(self, submitted: Submitted) -> str:
        """Return the id of a submission as the client is told it."""
        return write_id(submitted.number, self.receipts.submit_ids)

    def take(self, submit: SubmitSm, part: Part, submitted: Submitted, receiver: Receiver) -> None:
        """Take one part from this client; the message goes to the inbox once it is whole."""
        message_id = self.message_id(submitted)
        details = (message_id, submit.as_dict() | {"udh": part.udh.hex(), "alphabet": part.alphabet})
        key = (submitted.system_id, submit.source_addr, submit.destination_addr)
        with self._lock:
            self._submitted[message_id] = submitted, receiver
            if len(self._submitted) > _MOST_SUBMITTED:
                self._submitted.popitem(last=False)
            parts = self._joiner.add(key, part, details)
        if parts is None:
            return
        text = "".join(part.text for part, _ in parts)
        self._inbox.add(
            gateway=self._name,
            protocol="smpp",
            number=submit.destination_addr,
            text=text,
            # Of a message_payload the network makes as many short messages as it needs.
            segments=sum(_count_payload(each) for each, _ in parts)
            if Tag.MESSAGE_PAYLOAD in submit.tlvs
            else len(parts),
            wire={
                "system_id": submitted.system_id,
                "sender": submit.source_addr,
                "message_ids": [message_id for _, (message_id, _) in parts],
                "parts": [fields for _, (_, fields) in parts],
            },
        )

    def note_session(self, receiver: Receiver) -> None:
        """Note that a client has connected."""
        with self._lock:
            self._receivers.append(receiver)

    def note_bind(self, receiver: Receiver) -> None:
        """Hand over what waited for this client."""
        if not receiver.receives:
            return
        with self._lock:
            mine = [it for it in self._undelivered if it.submitted.system_id == receiver.system_id]
            for it in mine:
                self._undelivered.remove(it)
        for report in mine:
            self._deliver(report)

    def note_end(self, receiver: Receiver) -> None:
        """Send the reports that a client had not answered when it left to another one, or keep them."""
        with self._lock:
            self._receivers.remove(receiver)
        for report in receiver.list_unanswered():
            self._deliver(report)

    def plan_report(self, submitted: Submitted, receiver: Receiver) -> None:
        """Report on a message as the policy says, to the session that submitted it if it can receive."""
        policy = self.receipts
        if policy.automatic and submitted.wants(policy.state):
            report = self._report(submitted, policy.state)
            self.timer.call_after(policy.delay, lambda: self._deliver(report, receiver))

    def report_again(self, report: Report, receiver: Receiver) -> None:
        """Send a report that this session could not take once more, after a while."""
        self.timer.call_after(self.receipts.again, lambda: self._deliver(report, receiver))

    def report_now(self, message_id: str, state: State) -> bool:
        """Report on a message, to the session that submitted it if it can receive; return False when there is no such message."""
        with self._lock:
            found = self._submitted.get(message_id)
        if found is None:
            return False
        submitted, receiver = found
        self._deliver(self._report(submitted, state), receiver)
        return True

    def _report(self, submitted: Submitted, state: State) -> Report:
        return Report(submitted, state, submitted.receipt_ids or self.receipts.receipt_ids)

    def _deliver(self, report: Report, wanted: Receiver | None = None) -> None:
        with self._lock:
            receivers = [
                it for it in self._receivers if it.receives and it.system_id == report.submitted.system_id
            ]
            if not receivers:
                self._undelivered.append(report)
                return
            receiver = wanted if wanted in receivers and wanted is not None else receivers[0]
        receiver.deliver(report)


def _count_payload(part: Part) -> int:
    if part.alphabet == "binary":
        # Two hexadecimal digits stand for an octet.
        return count_octet_segments(len(part.text) // 2)
    return count_ucs2_segments(part.text) if part.alphabet == "ucs-2" else count_segments(part.text)
