"""
One SMPP 3.4 session as seen by the client (ESME): bytes and the time go in, events and bytes come out. No I/O.

Not thread-safe, knows no sockets and no reconnecting: see `link`. Sections are those of the SMPP 3.4
specification, issue 1.2.

The life of a session: bind (section 4.1) → bound, requests in both directions → unbind from either side (4.2), or the
connection is lost. Every way ends in exactly one `Ended`.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.smpp import pdu as pdus
from smsotp_plugin.wire.smpp.deliver_sm import read_delivery
from smsotp_plugin.wire.smpp.events import (
    Answered,
    BindRefused,
    Bound,
    Delivered,
    Ended,
    Event,
    Lost,
    Unreadable,
)
from smsotp_plugin.wire.smpp.pdu import RESPONSE, Bind, Pdu, PduReader, pack_pdu
from smsotp_plugin.wire.smpp.times import SessionTimes

# Command statuses that we answer with (section 5.1.3).
_OK = 0x00
_INVALID_COMMAND = 0x03
_WRONG_STATE = 0x04
_TEMPORARILY = 0x64
_NEVER = 0x65

#: A peer that reads nothing of what we answer must not fill the memory.
_MOST_WAITING = 1000
_NOT_READING = "the SMSC sends requests and does not read the answers"


class State(Enum):
    """Where in its life a session is."""

    BINDING = auto()
    BOUND = auto()
    LEAVING = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class _Due:
    """The session ends for `reason` at `at`, unless something happens before."""

    at: float
    reason: str


class SmppSession:
    """
    The session, from the bind on.

    Args:
        bind: How it introduces itself.
        window: How many submits may wait for their answer at the same time.
        times: Limits.
        now: Monotonic seconds, as everywhere here.
    """

    def __init__(self, bind: Bind, *, window: int, times: SessionTimes, now: float) -> None:
        self._bind = bind
        self._window = window
        self._times = times
        self._reader = PduReader()
        self._sequence = 1
        self._heard = now
        self._due: _Due | None = _Due(now + times.bind, f"no answer to the bind within {times.bind:g} s")
        self._enquiring = False
        #: What is being written: its bytes, and size and sequence number of each PDU in it.
        self._chunk = memoryview(b"")
        self._in_chunk: deque[tuple[int, int]] = deque()
        #: What follows it, with sequence numbers.
        self._outgoing: deque[tuple[bytes, int]] = deque()
        #: Sequence number of each submit that has no answer, and whether it is completely written.
        self._submits: dict[int, bool] = {}
        #: Those that somebody waits for.
        self._enquiries: set[int] = set()
        self.state = State.BINDING
        self._put(bind.pack(1))

    def has_room(self) -> bool:
        """Tell whether `submit` is allowed: bound, and the window not full."""
        return self.state is State.BOUND and len(self._submits) < self._window

    def submit(self, body: bytes) -> int:
        """
        Send a submit_sm (section 4.4); only while `has_room`.

        Returns:
            Its sequence number: `Answered` or `Ended` tells what became of it.
        """
        sequence = self._next_sequence()
        self._submits[sequence] = False
        self._put(pack_pdu(pdus.SUBMIT_SM, sequence, body), sequence)
        return sequence

    def enquire(self, now: float) -> int:
        """
        Ask whether the peer is there (section 4.11); only while bound. Silence will end the session.

        Returns:
            The sequence number.
        """
        sequence = self._ask_for_life(now)
        self._enquiries.add(sequence)
        return sequence

    def give_up(self, sequence: int, now: float) -> None:
        """
        Wait no longer for the answer to a submit or an enquiry: its place in the window is free again.

        Silence makes the peer suspect: an enquire_link goes out.
        """
        self._enquiries.discard(sequence)
        self._submits.pop(sequence, None)
        if self.state is State.BOUND and not self._enquiring:
            self._ask_for_life(now)

    def acknowledge(self, event: Delivered, *, taken: bool) -> None:
        """Answer a `Delivered`; what is not taken now, the SMSC may bring again (section 4.6.2)."""
        if not self._over():
            status = _OK if taken else _TEMPORARILY
            self._put(pack_pdu(RESPONSE | event.command, event.sequence, b"\0", status))

    def unbind(self, now: float) -> None:
        """Say good-bye (section 4.2): nothing can be submitted any more, answers are still read."""
        if self.state is State.BOUND:
            self._put(pack_pdu(pdus.UNBIND, self._next_sequence()))
            self._leave(now, "unbound")

    def cut(self, now: float, reason: str) -> None:
        """Say that nothing can be written any more; what the peer wrote before is still worth reading."""
        self._drop_outgoing()
        if self.state is not State.LEAVING:
            self._leave(now, reason)

    def end(self, reason: str) -> Ended:
        """Return the one `Ended` of a session whose connection is lost or not wanted any more."""
        self.state = State.ENDED
        lost = [Lost(sequence, written) for sequence, written in self._submits.items()]
        lost += [Lost(sequence, written=False) for sequence in self._enquiries]
        self._submits.clear()
        self._enquiries.clear()
        self._drop_outgoing()
        self._due = None
        return Ended(reason, tuple(lost))

    def is_writing(self) -> bool:
        """Tell whether a `to_write` has not completely gone out."""
        return bool(self._chunk)

    def to_write(self) -> memoryview | None:
        """Return all bytes that wait for the peer, or None; the same again until `wrote` says that they went out."""
        if not self._chunk:
            if not self._outgoing:
                return None
            self._chunk = memoryview(b"".join(data for data, _ in self._outgoing))
            self._in_chunk.extend((len(data), sequence) for data, sequence in self._outgoing)
            self._outgoing.clear()
        return self._chunk

    def wrote(self, count: int) -> None:
        """Say how many bytes of the last `to_write` have gone out."""
        self._chunk = self._chunk[count:]
        while self._in_chunk and count >= self._in_chunk[0][0]:
            size, sequence = self._in_chunk.popleft()
            count -= size
            if sequence in self._submits:
                self._submits[sequence] = True
        if count:
            size, sequence = self._in_chunk[0]
            self._in_chunk[0] = (size - count, sequence)

    def next_tick(self) -> float | None:
        """Return when `tick` has to be called at the latest, or None for never."""
        if self._due is not None:
            return self._due.at
        return self._heard + self._times.idle if self.state is State.BOUND else None

    def tick(self, now: float) -> list[Event]:
        """Let time pass: ends a session whose limit is over, asks a silent peer whether it is there."""
        if self._due is not None:
            return [self.end(self._due.reason)] if now >= self._due.at else []
        if self.state is State.BOUND and now >= self._heard + self._times.idle:
            self._ask_for_life(now)
        return []

    def receive(self, data: bytes, now: float) -> list[Event]:
        """
        Take bytes from the peer, in whatever pieces they come.

        Returns:
            What they mean. Bytes that mean nothing end the session; no exception is raised.
        """
        events: list[Event] = []
        if self._over():
            return events
        self._reader.feed(data)
        try:
            while not self._over() and (pdu := self._reader.next_pdu()) is not None:
                self._note_life(now)
                events += self._take(pdu, now)
        except ProtocolViolation as exc:
            events.append(self.end(str(exc)))
        if len(self._outgoing) + len(self._in_chunk) > _MOST_WAITING:
            events.append(self.end(_NOT_READING))
        return events

    def _over(self) -> bool:
        return self.state is State.ENDED

    def _note_life(self, now: float) -> None:
        self._heard = now
        if self._enquiring:
            self._enquiring = False
            self._due = None

    def _take(self, pdu: Pdu, now: float) -> list[Event]:
        if pdu.command == pdus.SUBMIT_SM_RESP:
            return self._take_answer(pdu)
        if pdu.command == self._bind.command | RESPONSE:
            return self._take_bind_answer(pdu)
        handlers = {
            pdus.ENQUIRE_LINK: self._answer_enquiry,
            pdus.ENQUIRE_LINK_RESP: self._take_enquiry_answer,
            pdus.DELIVER_SM: self._take_delivery,
            pdus.DATA_SM: self._take_delivery,
            pdus.UNBIND: self._answer_unbind,
            pdus.UNBIND_RESP: self._take_unbind_answer,
            pdus.GENERIC_NACK: self._take_nack,
            pdus.ALERT_NOTIFICATION: self._ignore,
            pdus.OUTBIND: self._ignore,
        }
        return handlers.get(pdu.command, self._take_unknown)(pdu, now)

    def _take_answer(self, pdu: Pdu) -> list[Event]:
        if self._submits.pop(pdu.sequence, None) is None:
            return []
        return [Answered(pdu.sequence, pdu.status, pdus.read_message_id(pdu.body))]

    def _take_bind_answer(self, pdu: Pdu) -> list[Event]:
        if self.state is not State.BINDING or pdu.sequence != 1:
            return []
        if pdu.status != _OK:
            return self._refused(pdu.status)
        self.state = State.BOUND
        self._due = None
        return [Bound()]

    def _refused(self, status: int) -> list[Event]:
        return [BindRefused(status), self.end("the bind was refused")]

    def _answer_enquiry(self, pdu: Pdu, _: float) -> list[Event]:
        self._put(pack_pdu(pdus.ENQUIRE_LINK_RESP, pdu.sequence))
        return []

    def _take_enquiry_answer(self, pdu: Pdu, _: float) -> list[Event]:
        if pdu.sequence not in self._enquiries:
            return []
        self._enquiries.remove(pdu.sequence)
        return [Answered(pdu.sequence, pdu.status, "")]

    def _take_delivery(self, pdu: Pdu, _: float) -> list[Event]:
        if self.state is State.BINDING:
            self._put(pack_pdu(RESPONSE | pdu.command, pdu.sequence, b"\0", _WRONG_STATE))
            return []
        try:
            return [Delivered(pdu.command, pdu.sequence, read_delivery(pdu))]
        except ProtocolViolation as exc:
            self._put(pack_pdu(RESPONSE | pdu.command, pdu.sequence, b"\0", _NEVER))
            return [Unreadable(str(exc))]

    def _answer_unbind(self, pdu: Pdu, now: float) -> list[Event]:
        self._put(pack_pdu(pdus.UNBIND_RESP, pdu.sequence))
        if self.state is State.BINDING:
            return [self.end("the SMSC unbound during the bind")]
        self._leave(now, "the SMSC unbound")
        return []

    def _take_unbind_answer(self, _: Pdu, __: float) -> list[Event]:
        return [self.end("unbound")] if self.state is State.LEAVING else []

    def _take_nack(self, pdu: Pdu, now: float) -> list[Event]:
        """Section 4.3: the peer could not even read a PDU. Without a sequence of ours, the stream is broken."""
        if self.state is State.BINDING:
            return self._refused(pdu.status)
        if pdu.sequence in self._submits and pdu.status != _OK:
            del self._submits[pdu.sequence]
            return [Answered(pdu.sequence, pdu.status, "")]
        if pdu.sequence in self._enquiries:
            return self._take_enquiry_answer(pdu, now)
        return [self.end(f"generic_nack from the SMSC: {pdus.describe_status(pdu.status)}")]

    def _ignore(self, _: Pdu, __: float) -> list[Event]:
        return []

    def _take_unknown(self, pdu: Pdu, _: float) -> list[Event]:
        if not pdu.command & RESPONSE:
            self._put(pack_pdu(pdus.GENERIC_NACK, pdu.sequence, status=_INVALID_COMMAND))
        return []

    def _ask_for_life(self, now: float) -> int:
        sequence = self._next_sequence()
        self._put(pack_pdu(pdus.ENQUIRE_LINK, sequence))
        if not self._enquiring:
            self._enquiring = True
            seconds = self._times.answer
            self._due = _Due(now + seconds, f"no sign of life within {seconds:g} s of an enquire_link")
        return sequence

    def _leave(self, now: float, reason: str) -> None:
        self.state = State.LEAVING
        self._enquiring = False
        self._due = _Due(now + self._times.unbind, reason)

    def _put(self, data: bytes, sequence: int = 0) -> None:
        self._outgoing.append((data, sequence))

    def _drop_outgoing(self) -> None:
        self._chunk = memoryview(b"")
        self._in_chunk.clear()
        self._outgoing.clear()

    def _next_sequence(self) -> int:
        while True:
            self._sequence = self._sequence % pdus.LAST_SEQUENCE + 1
            if self._sequence not in self._submits:
                return self._sequence
