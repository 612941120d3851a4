"""
Keeps one SMPP session to an SMSC for as long as the gateway lives, and carries submits over it from any thread.

One thread owns socket and session: it connects, binds, reads, writes, keeps the session alive and starts anew when it
is lost. Other threads put tickets on a queue and wait; what has gathered there goes out in one write.
"""

import logging
import ssl
import threading
from collections import deque
from collections.abc import Callable

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AnswerTimeout,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    ProtocolViolation,
)
from smsotp_plugin.grammar import agree
from smsotp_plugin.threads import start_thread
from smsotp_plugin.wire.reasons import find_reason
from smsotp_plugin.wire.smpp.events import (
    Answered,
    BindRefused,
    Bound,
    Delivered,
    Event,
    SessionEnded,
    UnreadableDelivery,
)
from smsotp_plugin.wire.smpp.outage import Outage
from smsotp_plugin.wire.smpp.session import SessionState, SmppSession
from smsotp_plugin.wire.smpp.setup import LinkSetup
from smsotp_plugin.wire.smpp.status import bind_failure
from smsotp_plugin.wire.smpp.ticket import Progress, Ticket
from smsotp_plugin.wire.smpp.transport import Interrupted, SmppTransport

#: Seconds before the next session if the pause itself failed.
_BUG_PAUSE = 5.0

_CLOSED = "the gateway is closed"


class SmppLink:
    """The session to one SMSC. Life: made (no I/O), `start`, any number of `submit` and `wait`, `stop`."""

    def __init__(self, setup: LinkSetup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self._outage = Outage(setup.times, setup.random)
        self._queue: deque[Ticket] = deque()
        self._abandoned: deque[Ticket] = deque()
        self._thread: threading.Thread | None = None
        self._transport: SmppTransport | None = None
        self._stopping = threading.Event()
        #: Whether the thread has looked at the queue for the last time, or is about to.
        self._has_ended = False
        #: Whether the thread waits, or is about to, without having looked at the queue.
        self._asleep = False
        self._session: SmppSession | None = None
        self._handed_over: dict[int, Ticket] = {}
        self._refusal: tuple[type[NotSent], str] | None = None
        self._bound_since: float | None = None

    def start(self) -> None:
        """
        Connect and bind in the background.

        Raises:
            ConnectFailed: There are no descriptors for it.
            NoThread: There is no thread for it.
        """
        try:
            transport = SmppTransport(self._setup.smsc)
        except OSError as exc:
            raise ConnectFailed(
                f"gateway {self._setup.name}: no session can be begun: {find_reason(exc)}"
            ) from exc
        self._outage.start(f"no session with {self._setup.smsc} yet", self._clock.monotonic())
        thread = threading.Thread(
            target=self._run, args=(transport,), name=f"smsotp-smpp-{self._setup.name}", daemon=True
        )
        # Set before the thread runs, because other threads use it as soon as that does.
        self._transport = transport
        try:
            start_thread(thread)
        except BaseException:
            transport.close()
            raise
        self._thread = thread

    def stop(self, seconds: float) -> None:
        """
        Unbind, close the connection and end the thread.

        Args:
            seconds: The longest that may take.
        """
        if self._thread is None or self._transport is None:
            return
        self._stopping.set()
        self._transport.interrupt()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._setup.log.error("the thread of the SMPP session did not end within %g s", seconds)
        else:
            self._transport.close()
            self._thread = None

    def submit(
        self, body: bytes, deadline: Deadline, on_taken: Callable[[str], None] | None = None
    ) -> Ticket:
        """
        Send a submit_sm as soon as the session is bound and its window has room.

        Args:
            body: From `pdu.pack_submit`.
            deadline: For all that, and for the answer.
            on_taken: Called with the SMSC's id of the message, before anything that the SMSC says later is looked at.

        Returns:
            What `wait` wants.
        """
        return self._put(Ticket(body, deadline, on_taken))

    def wait(self, ticket: Ticket) -> Answered:
        """
        Wait for the answer.

        Raises:
            NotSent: The SMSC certainly did not get it.
            Unknown: It may have got it.
        """
        result = ticket.wait()
        if isinstance(result, DeliveryError):
            raise result
        if result is Progress.WITHDRAWN:
            raise self._explain_lateness()
        if isinstance(result, Progress):
            self._abandoned.append(ticket)
            self._wake()
            raise AnswerTimeout("the SMSC did not answer in time")
        return result

    def probe(self, deadline: Deadline) -> None:
        """
        Find out whether the SMSC answers, with an enquire_link.

        Raises:
            NotSent: It does not.
        """
        try:
            self.wait(self._put(Ticket(None, deadline)))
        except AnswerTimeout:
            raise ConnectFailed(f"{self._setup.smsc} does not answer an enquire_link") from None

    def _put(self, ticket: Ticket) -> Ticket:
        if self._thread is None or self._stopping.is_set():
            ticket.settle(ConnectFailed(_CLOSED))
        elif self._outage.known:
            # Another gateway can have the message now; here it could only wait for the next try.
            ticket.settle(self._outage.error())
        else:
            self._queue.append(ticket)
            self._wake()
            if self._has_ended:
                # The thread may have looked at the queue before the ticket was on it.
                ticket.settle(ConnectFailed(_CLOSED))
        return ticket

    def _explain_lateness(self) -> NotSent:
        session = self._session
        if session is None:
            return self._outage.error()
        if session.state is SessionState.BOUND:
            window = self._setup.window
            return GatewayUnavailable(
                f"the SMSC takes nothing now: {window} {agree(window, 'message waits', 'messages wait')} for its answer "
                "(WINDOW), or it does not read"
            )
        return ConnectFailed(f"no session with {self._setup.smsc} in time")

    def _wake(self) -> None:
        if self._asleep and self._transport is not None:
            self._asleep = False
            self._transport.wake()

    # What follows runs in the link's own thread.

    def _run(self, transport: SmppTransport) -> None:
        try:
            while not self._stopping.is_set():
                self._live_once(transport)
        except Interrupted:
            self._setup.log.debug("closed while connecting")
        finally:
            transport.disconnect()
            self._has_ended = True
            self._drop_tickets(lambda _: ConnectFailed(_CLOSED))

    def _live_once(self, transport: SmppTransport) -> None:
        """Go through one session and the pause after it; no error may keep the next one from being tried."""
        try:
            self._live(transport)
            transport.disconnect()
            self._rest(transport)
        except Interrupted:
            raise
        except Exception:
            self._setup.log.exception("unexpected failure between two sessions")
            self._stopping.wait(_BUG_PAUSE)

    def _live(self, transport: SmppTransport) -> None:
        """Go through one session, from connecting to its end."""
        try:
            transport.connect(Deadline.after(self._setup.times.connect, self._clock))
            self._session = SmppSession(
                self._setup.bind,
                window=self._setup.window,
                times=self._setup.times.session,
                now=self._clock.monotonic(),
            )
            while self._session is not None:
                self._turn(self._session, transport)
        except ConnectFailed as exc:
            distrust = isinstance(exc.__cause__, ssl.SSLCertVerificationError)
            self._fail(ConnectFailed, str(exc), lasting=distrust)
        except Interrupted:
            raise
        except Exception as exc:  # noqa: BLE001  (a bug ends the session, not the gateway; its text may hold a PDU)
            reason = f"the session ended by a bug: {type(exc).__name__}"
            if self._session is None:
                self._fail(ConnectFailed, reason)
            else:
                self._close(self._session.end(reason))

    def _rest(self, transport: SmppTransport) -> None:
        """Wait until the next session may be tried."""
        while not self._stopping.is_set() and (left := self._outage.next_try - self._clock.monotonic()) > 0:
            self._asleep = True
            self._abandoned.clear()
            self._drop_tickets(self._find_hopeless)
            transport.wait(left)
            self._asleep = False

    def _turn(self, session: SmppSession, transport: SmppTransport) -> None:
        """Send what waits, wait for something to happen, and act on it."""
        if self._stopping.is_set() and session.state is SessionState.BINDING:
            self._close(session.end(_CLOSED))
            return
        if self._stopping.is_set():
            session.unbind(self._clock.monotonic())
        self._take_orders(session)
        blocked = self._write(session, transport)
        tick = session.find_next_tick()
        left = None if tick is None else tick - self._clock.monotonic()
        self._sleep(transport, left, blocked=blocked)
        for event in self._read(session, transport):
            self._act(session, event)

    def _sleep(self, transport: SmppTransport, seconds: float | None, *, blocked: bool) -> None:
        """Wait for the socket, the bell or the time, but not while something is on the queue that could go."""
        self._asleep = True
        if self._can_hand_over(blocked=blocked) or self._abandoned:
            seconds = 0.0
        transport.wait(seconds, writing=blocked)
        self._asleep = False

    def _can_hand_over(self, *, blocked: bool) -> bool:
        session = self._session
        return bool(self._queue) and session is not None and session.has_room() and not blocked

    def _take_orders(self, session: SmppSession) -> None:
        now = self._clock.monotonic()
        while self._abandoned:
            ticket = self._abandoned.popleft()
            if self._handed_over.get(ticket.sequence) is ticket:
                del self._handed_over[ticket.sequence]
                session.give_up(ticket.sequence, now)
        # As long as the peer reads nothing, what is on the queue can still be taken back.
        while self._can_hand_over(blocked=session.is_writing()):
            ticket = self._queue.popleft()
            if ticket.hand_over():
                ticket.sequence = session.enquire(now) if ticket.body is None else session.submit(ticket.body)
                self._handed_over[ticket.sequence] = ticket

    def _write(self, session: SmppSession, transport: SmppTransport) -> bool:
        """Write what the system takes; True when it does not take all."""
        try:
            while (data := session.to_write()) is not None:
                count = transport.send(data)
                if not count:
                    return True
                session.note_written(count)
        except OSError as exc:
            session.cut(self._clock.monotonic(), self._explain_loss(exc))
        return False

    def _read(self, session: SmppSession, transport: SmppTransport) -> list[Event]:
        now = self._clock.monotonic()
        try:
            data = transport.receive()
        except OSError as exc:
            return [session.end(self._explain_loss(exc))]
        if data is None:
            return session.tick(now)
        if not data:
            return [session.end(f"{self._setup.smsc} closed the connection")]
        return session.receive(data, now)

    def _explain_loss(self, exc: OSError) -> str:
        return f"the connection to {self._setup.smsc} was lost: {find_reason(exc)}"

    def _act(self, session: SmppSession, event: Event) -> None:
        match event:
            case Answered():
                ticket = self._handed_over.pop(event.sequence, None)
                if ticket is not None:
                    ticket.settle(event)
            case Delivered():
                self._take_delivery(session, event)
            case UnreadableDelivery():
                self._setup.log.warning("a delivery receipt is lost: %s", event.reason)
            case Bound():
                self._outage.end()
                self._bound_since = self._clock.monotonic()
                self._setup.log.info("bound to %s", self._setup.smsc)
            case BindRefused():
                self._refusal = bind_failure(event.status)
            case SessionEnded():
                self._close(event)

    def _take_delivery(self, session: SmppSession, event: Delivered) -> None:
        try:
            self._setup.on_delivery(event.delivery)
            taken = True
        except Exception as exc:  # noqa: BLE001  (whoever reads receipts must not end the session)
            # A traceback would repeat the exception's text.
            self._setup.log.error(  # noqa: TRY400  (see above)
                "a delivery receipt could not be kept: %s", type(exc).__name__
            )
            taken = False
        session.acknowledge(event, taken=taken)

    def _close(self, ended: SessionEnded) -> None:
        """Settle the requests that the session leaves unanswered, or put them back on the queue for the next one."""
        self._session = None
        kind, reason = self._refusal or (ConnectFailed, ended.reason)
        self._refusal = None
        self._fail(kind, reason, lasting=not kind.retry_here)
        for lost in reversed(ended.lost):
            ticket = self._handed_over.pop(lost.sequence, None)
            if ticket is None:
                continue
            if lost.written:
                ticket.settle(ProtocolViolation(f"no answer to the submit_sm: {ended.reason}"))
            elif ticket.hand_back():
                self._queue.appendleft(ticket)
        self._handed_over.clear()

    def _fail(self, kind: type[NotSent], reason: str, *, lasting: bool = False) -> None:
        """Note that there is no session, and when the next is tried."""
        now = self._clock.monotonic()
        lived = 0.0 if self._bound_since is None else now - self._bound_since
        self._bound_since = None
        news = self._outage.note(kind, reason, now=now, lived=lived, lasting=lasting)
        if not self._stopping.is_set():
            level = logging.WARNING if news else logging.INFO
            self._setup.log.log(level, "%s; next try in %.1f s", reason, self._outage.next_try - now)

    def _find_hopeless(self, ticket: Ticket) -> NotSent | None:
        """Return why a ticket cannot be handed over before its deadline, as far as is known."""
        hopeless = self._outage.known or self._outage.lasts_until(ticket.deadline.at)
        return self._outage.error() if hopeless else None

    def _drop_tickets(self, failure: Callable[[Ticket], NotSent | None]) -> None:
        """Settle the tickets on the queue for which `failure` returns one; forget those that nobody waits for."""
        for _ in range(len(self._queue)):
            ticket = self._queue.popleft()
            found = failure(ticket)
            if found is not None:
                ticket.settle(found)
            elif ticket.is_waiting():
                self._queue.append(ticket)
