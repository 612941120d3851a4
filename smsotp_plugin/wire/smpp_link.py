"""
Keeps one SMPP session to an SMSC for as long as the gateway lives, and carries submits over it from any thread.

One thread connects, binds, reads, keeps the session alive and starts anew when it is lost. Who submits writes to the
socket without a detour over that thread and waits on a ticket of its own. One lock guards session and socket.
"""

import logging
import threading
from collections.abc import Callable

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import AnswerTimeout, ConnectFailed, GatewayUnavailable, NotSent, ProtocolViolation
from smsotp_plugin.wire.smpp_events import Answered, BindRefused, Bound, Delivered, Ended, Event
from smsotp_plugin.wire.smpp_outage import Outage
from smsotp_plugin.wire.smpp_session import SmppSession, State
from smsotp_plugin.wire.smpp_setup import LinkSetup
from smsotp_plugin.wire.smpp_status import bind_failure
from smsotp_plugin.wire.smpp_ticket import Ticket
from smsotp_plugin.wire.smpp_transport import Interrupted, SmppTransport, tell


class SmppLink:
    """The session to one SMSC. Life: made (no I/O), `start`, any number of `submit` and `wait`, `stop`."""

    def __init__(self, setup: LinkSetup) -> None:
        self._setup = setup
        self._clock = setup.clock
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._transport: SmppTransport | None = None
        self._session: SmppSession | None = None
        self._tickets: dict[int, Ticket] = {}
        self._outage = Outage(setup.times, setup.random)
        self._refusal: tuple[type[NotSent], str] | None = None
        self._bound_since: float | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Connect and bind in the background."""
        self._transport = SmppTransport(self._setup.endpoint)
        self._outage.start(f"no session with {self._setup.endpoint} yet", self._clock.monotonic())
        self._thread = threading.Thread(
            target=self._run, args=(self._transport,), name=f"smsotp-smpp-{self._setup.name}", daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """
        Unbind, close the connection and end the thread.

        Args:
            seconds: The longest that may take.
        """
        if self._thread is None or self._transport is None:
            return
        with self._lock:
            self._stopping.set()
            self._changed.notify_all()
            self._transport.interrupt()
        self._thread.join(seconds)
        if self._thread.is_alive():
            # Only the resolver cannot be interrupted.
            self._setup.log.error("the thread of the SMPP session did not end within %g s", seconds)

    def submit(
        self, body: bytes, deadline: Deadline, on_taken: Callable[[str], None] | None = None
    ) -> Ticket:
        """
        Send a submit_sm once the session is bound and the window has room.

        Args:
            body: From `smpp_pdu.pack_submit`.
            deadline: For that; what comes after is `wait`'s.
            on_taken: Called with the SMSC's id of the message, before anything that the SMSC says later is looked at.

        Raises:
            NotSent: There was no session or no room in time.
        """
        ticket = Ticket(on_taken)
        with self._lock:
            session = self._await_session(deadline, room=True)
            ticket.sequence = session.submit(body)
            self._hand_over(session, ticket)
        return ticket

    def wait(self, ticket: Ticket, deadline: Deadline) -> Answered:
        """
        Wait for the answer to a submit.

        Raises:
            NotSent: The SMSC certainly did not get it.
            Unknown: It may have got it.
        """
        answer = ticket.result(self._clock, deadline)
        if answer is None:
            self._give_up(ticket)
            answer = ticket.result(self._clock, None)
            assert answer is not None
        return answer

    def probe(self, deadline: Deadline) -> None:
        """
        Find out whether the SMSC answers, with an enquire_link.

        Raises:
            NotSent: It does not.
        """
        ticket = Ticket()
        with self._lock:
            session = self._await_session(deadline, room=False)
            ticket.sequence = session.enquire(self._clock.monotonic())
            self._hand_over(session, ticket)
        try:
            self.wait(ticket, deadline)
        except AnswerTimeout:
            raise ConnectFailed(f"{self._setup.endpoint} does not answer an enquire_link") from None

    def _hand_over(self, session: SmppSession, ticket: Ticket) -> None:
        self._tickets[ticket.sequence] = ticket
        if not self._write(session):
            self._wake()

    def _await_session(self, deadline: Deadline, *, room: bool) -> SmppSession:
        """Return the bound session; the lock is held."""
        while True:
            session = self._session
            if session is not None and (session.has_room() if room else session.state is State.BOUND):
                return session
            if self._stopping.is_set() or self._thread is None:
                raise ConnectFailed("the gateway is closed")
            if session is None and (self._outage.lasts_until(deadline.at) or deadline.passed()):
                raise self._outage.error()
            if deadline.passed():
                raise self._too_late(session)
            self._clock.wait(self._changed, deadline.remaining())

    def _too_late(self, session: SmppSession | None) -> NotSent:
        if session is not None and session.state is State.BOUND:
            return GatewayUnavailable(
                f"{self._setup.window} messages wait for the SMSC's answer: WINDOW is full"
            )
        return ConnectFailed(f"no session with {self._setup.endpoint} in time")

    def _give_up(self, ticket: Ticket) -> None:
        """Settle a ticket whose deadline has passed, unless its answer is just being handed over."""
        with self._lock:
            session = self._session
            if session is None or self._tickets.get(ticket.sequence) is not ticket:
                return
            del self._tickets[ticket.sequence]
            taken_back = session.give_up(ticket.sequence, self._clock.monotonic())
            self._changed.notify()
            # The limit for a sign of life has to be looked at.
            self._write(session)
            self._wake()
        if taken_back:
            ticket.settle(ConnectFailed("the SMSC reads nothing: the message was not written"))
        else:
            ticket.settle(AnswerTimeout("the SMSC did not answer the submit_sm in time"))

    def _wake(self) -> None:
        if self._transport is not None:
            self._transport.wake()

    def _write(self, session: SmppSession) -> bool:
        """Write what the system takes; False when something is left. The lock is held."""
        assert self._transport is not None
        try:
            while (data := session.to_write()) is not None:
                count = self._transport.send(data)
                if not count:
                    return False
                session.wrote(count)
        except OSError as exc:
            session.cut(self._clock.monotonic(), self._lost(exc))
            return False
        return True

    def _lost(self, exc: OSError) -> str:
        return f"the connection to {self._setup.endpoint} was lost: {tell(exc)}"

    def _run(self, transport: SmppTransport) -> None:
        try:
            while not self._stopping.is_set():
                self._live(transport)
                transport.disconnect()
                while (
                    not self._stopping.is_set()
                    and (left := self._outage.next_try - self._clock.monotonic()) > 0
                ):
                    transport.wait(left)
        except Interrupted:
            return
        finally:
            with self._lock:
                self._changed.notify_all()
                transport.close()

    def _live(self, transport: SmppTransport) -> None:
        """Go through one session, from connecting to its end."""
        try:
            self._connect(transport)
            while self._session is not None:
                self._turn(transport)
        except Interrupted:
            raise
        except Exception as exc:  # noqa: BLE001  (a bug ends the session, not the gateway; its text may hold a PDU)
            reason = f"the session ended by a bug: {type(exc).__name__}"
            with self._lock:
                if self._session is None:
                    self._fail(ConnectFailed, reason)
                else:
                    self._close(self._session.end(reason))

    def _connect(self, transport: SmppTransport) -> None:
        """Connect and send the bind."""
        times = self._setup.times
        try:
            transport.connect(Deadline.after(times.connect, self._clock))
        except ConnectFailed as exc:
            with self._lock:
                self._fail(ConnectFailed, str(exc))
            return
        with self._lock:
            self._session = SmppSession(
                self._setup.bind,
                window=self._setup.window,
                times=times.session,
                now=self._clock.monotonic(),
            )

    def _turn(self, transport: SmppTransport) -> None:
        """Write what waits, wait for something to happen, and act on it."""
        with self._lock:
            session = self._session
            if session is None:
                return
            if self._stopping.is_set():
                self._say_goodbye(session)
            left = not self._write(session)
            tick = session.next_tick()
        transport.wait(None if tick is None else tick - self._clock.monotonic(), writing=left)
        with self._lock:
            if self._is_lost():
                return
            events = self._read(session, transport)
            settled = [found for found in map(self._note, events) if found is not None]
        for ticket, answer in settled:
            ticket.settle(answer)
        for event in events:
            if isinstance(event, Delivered):
                self._take_delivery(session, event)

    def _is_lost(self) -> bool:
        return self._session is None

    def _say_goodbye(self, session: SmppSession) -> None:
        if session.state is State.BINDING:
            self._close(session.end("the gateway is being closed"))
        else:
            session.unbind(self._clock.monotonic())

    def _read(self, session: SmppSession, transport: SmppTransport) -> list[Event]:
        now = self._clock.monotonic()
        try:
            data = transport.receive()
        except OSError as exc:
            return [session.end(self._lost(exc))]
        if data is None:
            return session.tick(now)
        if not data:
            return [session.end(f"{self._setup.endpoint} closed the connection")]
        return session.receive(data, now)

    def _note(self, event: Event) -> tuple[Ticket, Answered] | None:
        """Change our state as an event says; the lock is held."""
        match event:
            case Answered():
                self._changed.notify()
                ticket = self._tickets.pop(event.sequence, None)
                return None if ticket is None else (ticket, event)
            case Bound():
                self._bound_since = self._clock.monotonic()
                self._setup.log.info("bound to %s", self._setup.endpoint)
                self._changed.notify_all()
            case BindRefused():
                self._refusal = bind_failure(event.status)
            case Ended():
                self._close(event)
        return None

    def _close(self, ended: Ended) -> None:
        """Settle what the session leaves behind; the lock is held."""
        self._session = None
        for lost in ended.lost:
            ticket = self._tickets.pop(lost.sequence, None)
            if ticket is not None:
                ticket.settle(
                    ProtocolViolation(f"no answer to the submit_sm: {ended.reason}")
                    if lost.written
                    else ConnectFailed(f"the message was not written: {ended.reason}")
                )
        self._fail(*(self._refusal or (ConnectFailed, ended.reason)))
        self._refusal = None

    def _fail(self, kind: type[NotSent], reason: str) -> None:
        """Note that there is no session, and when the next is tried; the lock is held."""
        now = self._clock.monotonic()
        lived = 0.0 if self._bound_since is None else now - self._bound_since
        self._bound_since = None
        news = self._outage.note(kind, reason, now=now, lived=lived)
        if not self._stopping.is_set():
            pause = self._outage.next_try - now
            level = logging.WARNING if news else logging.INFO
            self._setup.log.log(level, "%s; next try in %.1f s", reason, pause)
        self._changed.notify_all()

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
        with self._lock:
            session.acknowledge(event, taken=taken)
            if self._session is session:
                self._write(session)
