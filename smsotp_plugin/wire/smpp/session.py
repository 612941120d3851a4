"""
One SMPP 3.4 session as seen by the client (ESME): bytes and the time go in, events and bytes come out. No I/O.

Not thread-safe, knows no sockets and no reconnecting: see `link`. Sections are those of the SMPP 3.4
specification, issue 1.2.

The life of a session: bind (section 4.1) → bound, requests in both directions → unbind from either side (4.2), or the
connection is lost. Every way ends in exactly one `SessionEnded`. What a PDU means in which state stands in the table below.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from smsotp_plugin.errors import ProtocolViolation
from smsotp_plugin.wire.smpp import pdu as pdus
from smsotp_plugin.wire.smpp.deliver_sm import read_delivery
from smsotp_plugin.wire.smpp.events import (
    Answered,
    BindRefused,
    Bound,
    Delivered,
    Event,
    Lost,
    SessionEnded,
    UnreadableDelivery,
)
from smsotp_plugin.wire.smpp.outgoing import Outgoing
from smsotp_plugin.wire.smpp.pdu import RESPONSE, Bind, Pdu, PduReader, pack_pdu
from smsotp_plugin.wire.smpp.timers import Timers
from smsotp_plugin.wire.smpp.times import SessionTimes


class SessionState(Enum):
    """Where in its life a session is."""

    BINDING = auto()
    BOUND = auto()
    LEAVING = auto()
    ENDED = auto()


class _Meaning(Enum):
    """What a PDU of the SMSC is to the session."""

    SUBMIT_ANSWER = auto()
    BIND_ANSWER = auto()
    BIND_REFUSAL = auto()
    ENQUIRY = auto()
    ENQUIRY_ANSWER = auto()
    DELIVERY = auto()
    EARLY_DELIVERY = auto()
    UNBIND = auto()
    EARLY_UNBIND = auto()
    UNBIND_ANSWER = auto()
    NACK = auto()
    NOTHING = auto()
    UNKNOWN = auto()


_ALWAYS = {
    pdus.SUBMIT_SM_RESP: _Meaning.SUBMIT_ANSWER,
    pdus.ENQUIRE_LINK: _Meaning.ENQUIRY,
    pdus.ENQUIRE_LINK_RESP: _Meaning.ENQUIRY_ANSWER,
    pdus.ALERT_NOTIFICATION: _Meaning.NOTHING,
    pdus.OUTBIND: _Meaning.NOTHING,
}
_ONCE_BOUND = {
    **_ALWAYS,
    pdus.DELIVER_SM: _Meaning.DELIVERY,
    pdus.DATA_SM: _Meaning.DELIVERY,
    pdus.UNBIND: _Meaning.UNBIND,
    pdus.GENERIC_NACK: _Meaning.NACK,
}
#: What is understood in each state (section 2.2). An answer that is missing here is dropped; a request that is missing is
#: answered with generic_nack.
_TABLE: Mapping[SessionState, Mapping[int, _Meaning]] = MappingProxyType(
    {
        SessionState.BINDING: {
            **_ALWAYS,
            pdus.BIND_TRANSMITTER | RESPONSE: _Meaning.BIND_ANSWER,
            pdus.BIND_TRANSCEIVER | RESPONSE: _Meaning.BIND_ANSWER,
            pdus.DELIVER_SM: _Meaning.EARLY_DELIVERY,
            pdus.DATA_SM: _Meaning.EARLY_DELIVERY,
            pdus.UNBIND: _Meaning.EARLY_UNBIND,
            pdus.GENERIC_NACK: _Meaning.BIND_REFUSAL,
        },
        SessionState.BOUND: _ONCE_BOUND,
        SessionState.LEAVING: {**_ONCE_BOUND, pdus.UNBIND_RESP: _Meaning.UNBIND_ANSWER},
        SessionState.ENDED: {},
    }
)

# Command statuses that we answer with (section 5.1.3).
_OK = 0x00
_INVALID_COMMAND = 0x03
_WRONG_STATE = 0x04
_TEMPORARILY = 0x64
_NEVER = 0x65

#: A peer that reads nothing of what we answer must not fill the memory.
_MOST_WAITING = 1000
_NOT_READING = "the SMSC sends requests and does not read the answers"


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
        self._reader = PduReader()
        self._sequence = 1
        self._timers = Timers(times, now)
        self._outgoing = Outgoing()
        #: Sequence number of each submit that has no answer, and whether it is completely written.
        self._submits: dict[int, bool] = {}
        #: Sequence numbers of the enquiries that somebody waits for.
        self._enquiries: set[int] = set()
        self.state = SessionState.BINDING
        self._outgoing.put(bind.pack(1))

    def has_room(self) -> bool:
        """Tell whether `submit` is allowed: bound, and the window not full."""
        return self.state is SessionState.BOUND and len(self._submits) < self._window

    def submit(self, body: bytes) -> int:
        """
        Send a submit_sm (section 4.4); only while `has_room`.

        Returns:
            Its sequence number: `Answered` or `SessionEnded` tells what became of it.
        """
        sequence = self._take_sequence()
        self._submits[sequence] = False
        self._outgoing.put(pack_pdu(pdus.SUBMIT_SM, sequence, body), sequence)
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
        if self.state is SessionState.BOUND and not self._timers.enquiring:
            self._ask_for_life(now)

    def acknowledge(self, event: Delivered, *, taken: bool) -> None:
        """Answer a `Delivered`; the SMSC may bring again what is not taken now (section 4.6.2)."""
        if not self._is_over():
            self._answer_delivery(event, _OK if taken else _TEMPORARILY)

    def unbind(self, now: float) -> None:
        """Say good-bye (section 4.2): nothing can be submitted any more, answers are still read."""
        if self.state is SessionState.BOUND:
            self._outgoing.put(pack_pdu(pdus.UNBIND, self._take_sequence()))
            self._leave(now, "unbound")

    def cut(self, now: float, reason: str) -> None:
        """Say that nothing can be written any more; what the peer wrote before is still worth reading."""
        self._outgoing.drop()
        if self.state is not SessionState.LEAVING:
            self._leave(now, reason)

    def end(self, reason: str) -> SessionEnded:
        """Return the one `SessionEnded` of a session whose connection is lost or not wanted any more."""
        self.state = SessionState.ENDED
        lost = [Lost(sequence, written) for sequence, written in self._submits.items()]
        lost += [Lost(sequence, written=False) for sequence in self._enquiries]
        self._submits.clear()
        self._enquiries.clear()
        self._outgoing.drop()
        self._timers.stop()
        return SessionEnded(reason, tuple(lost))

    def is_writing(self) -> bool:
        """Tell whether what `to_write` returned has not gone out completely."""
        return self._outgoing.is_writing()

    def to_write(self) -> memoryview | None:
        """Return all bytes that wait for the peer, or None; the same again until `note_written` says that they went out."""
        return self._outgoing.to_write()

    def note_written(self, count: int) -> None:
        """Say how many bytes of the last `to_write` have gone out."""
        for sequence in self._outgoing.note_written(count):
            if sequence in self._submits:
                self._submits[sequence] = True

    def find_next_tick(self) -> float | None:
        """Return when `tick` has to be called at the latest, or None for never."""
        return self._timers.next(bound=self.state is SessionState.BOUND)

    def tick(self, now: float) -> list[Event]:
        """Let time pass: end a session whose time limit has passed, and ask a silent peer whether it is there."""
        reason = self._timers.find_overdue(now)
        if reason is not None:
            return [self.end(reason)]
        if self.state is SessionState.BOUND and self._timers.is_idle(now):
            self._ask_for_life(now)
        return []

    def receive(self, data: bytes, now: float) -> list[Event]:
        """
        Take bytes from the peer, in whatever pieces they come.

        Returns:
            What they mean. Bytes that mean nothing end the session; no exception is raised.
        """
        events: list[Event] = []
        if self._is_over():
            return events
        self._reader.feed(data)
        try:
            while not self._is_over() and (pdu := self._reader.take_pdu()) is not None:
                self._timers.note_sign(now)
                events += self._take(pdu, now)
        except ProtocolViolation as exc:
            events.append(self.end(str(exc)))
        if len(self._outgoing) > _MOST_WAITING:
            events.append(self.end(_NOT_READING))
        return events

    def _is_over(self) -> bool:
        return self.state is SessionState.ENDED

    def _take(self, pdu: Pdu, now: float) -> list[Event]:
        meaning = _TABLE[self.state].get(pdu.command, _Meaning.UNKNOWN)
        if meaning is _Meaning.SUBMIT_ANSWER:
            return self._take_answer(pdu)
        handlers = {
            _Meaning.BIND_ANSWER: self._take_bind_answer,
            _Meaning.BIND_REFUSAL: self._take_refusal,
            _Meaning.ENQUIRY: self._answer_enquiry,
            _Meaning.ENQUIRY_ANSWER: self._take_enquiry_answer,
            _Meaning.DELIVERY: self._take_delivery,
            _Meaning.EARLY_DELIVERY: self._answer_early_delivery,
            _Meaning.UNBIND: self._answer_unbind,
            _Meaning.EARLY_UNBIND: self._answer_early_unbind,
            _Meaning.UNBIND_ANSWER: self._take_unbind_answer,
            _Meaning.NACK: self._take_nack,
            _Meaning.NOTHING: self._ignore,
            _Meaning.UNKNOWN: self._take_unknown,
        }
        return handlers[meaning](pdu, now)

    def _take_answer(self, pdu: Pdu) -> list[Event]:
        if self._submits.pop(pdu.sequence, None) is None:
            return []
        return [Answered(pdu.sequence, pdu.status, pdus.read_message_id(pdu.body))]

    def _take_bind_answer(self, pdu: Pdu, now: float) -> list[Event]:
        if pdu.status != _OK:
            # Whatever its number is, and even if it is that of another kind of bind: there is no other one.
            return self._take_refusal(pdu, now)
        if pdu.command != self._bind.command | RESPONSE or pdu.sequence != 1:
            return []
        self.state = SessionState.BOUND
        self._timers.note_bound()
        return [Bound()]

    def _take_refusal(self, pdu: Pdu, _: float) -> list[Event]:
        return [BindRefused(pdu.status), self.end("the bind was refused")]

    def _answer_enquiry(self, pdu: Pdu, _: float) -> list[Event]:
        self._outgoing.put(pack_pdu(pdus.ENQUIRE_LINK_RESP, pdu.sequence))
        return []

    def _take_enquiry_answer(self, pdu: Pdu, _: float) -> list[Event]:
        if pdu.sequence not in self._enquiries:
            return []
        self._enquiries.remove(pdu.sequence)
        return [Answered(pdu.sequence, pdu.status, "")]

    def _take_delivery(self, pdu: Pdu, _: float) -> list[Event]:
        try:
            return [Delivered(pdu.command, pdu.sequence, read_delivery(pdu))]
        except ProtocolViolation as exc:
            self._answer_delivery(pdu, _NEVER)
            return [UnreadableDelivery(str(exc))]

    def _answer_early_delivery(self, pdu: Pdu, _: float) -> list[Event]:
        self._answer_delivery(pdu, _WRONG_STATE)
        return []

    def _answer_delivery(self, pdu: Pdu | Delivered, status: int) -> None:
        self._outgoing.put(pack_pdu(RESPONSE | pdu.command, pdu.sequence, b"\0", status))

    def _answer_unbind(self, pdu: Pdu, now: float) -> list[Event]:
        self._outgoing.put(pack_pdu(pdus.UNBIND_RESP, pdu.sequence))
        self._leave(now, "the SMSC unbound")
        return []

    def _answer_early_unbind(self, pdu: Pdu, _: float) -> list[Event]:
        self._outgoing.put(pack_pdu(pdus.UNBIND_RESP, pdu.sequence))
        return [self.end("the SMSC unbound during the bind")]

    def _take_unbind_answer(self, _: Pdu, __: float) -> list[Event]:
        return [self.end("unbound")]

    def _take_nack(self, pdu: Pdu, now: float) -> list[Event]:
        """Section 4.3: the peer could not even read a PDU. Without a sequence of ours, the stream is broken."""
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
            self._outgoing.put(pack_pdu(pdus.GENERIC_NACK, pdu.sequence, status=_INVALID_COMMAND))
        return []

    def _ask_for_life(self, now: float) -> int:
        sequence = self._take_sequence()
        self._outgoing.put(pack_pdu(pdus.ENQUIRE_LINK, sequence))
        self._timers.note_enquiry(now)
        return sequence

    def _leave(self, now: float, reason: str) -> None:
        self.state = SessionState.LEAVING
        self._timers.note_leaving(now, reason)

    def _take_sequence(self) -> int:
        while True:
            self._sequence = self._sequence % pdus.LAST_SEQUENCE + 1
            if self._sequence not in self._submits:
                return self._sequence
