"""
Connections to one mail server, kept and used again by several threads.

How one connection talks is in `smsotp_plugin.wire.smtp.connection`; what an answer means is decided by the provider.
"""

import threading

from smsotp_plugin.clock import Clock, Deadline
from smsotp_plugin.errors import ConnectFailed, DeliveryError
from smsotp_plugin.wire.channel import Broken
from smsotp_plugin.wire.smtp.connection import Answer, Connection, Declined, Mail, MailServer, Stage

__all__ = ["Answer", "Mail", "MailServer", "SmtpPool", "Stage"]

#: Seconds after which an idle connection is not used again: firewalls forget it, servers hang up (Postfix: 300 s).
_LONGEST_IDLE = 60.0
#: Seconds that taking leave of all idle connections may take together.
_FAREWELL = 1.0
#: Seconds to wait for other threads to give their connections back at the end.
_LAST_WORDS = 2.0


class SmtpPool:
    """
    Opens connections as they are needed and keeps those that are in good order.

    Args:
        server: The server.
        clock: Time.
        keep: How many idle connections are kept, at least 1.
    """

    def __init__(self, server: MailServer, clock: Clock, keep: int) -> None:
        self._server = server
        self._clock = clock
        self._keep = keep
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._closed = False

    def send(self, mail: Mail, deadline: Deadline) -> Answer:
        """
        Hand over one mail.

        Returns:
            The answer that ended it: at `Stage.CONTENT` to the complete mail, else to the step that was declined.

        Raises:
            ConnectFailed: The server cannot have the complete mail.
            AuthFailed, BadRecipient, GatewayUnavailable: It does not offer what the log-in or the addresses need.
            Unknown: It may have the mail; no valid answer came.
        """
        try:
            connection = self._resume(mail, deadline) or self._start(mail, deadline)
            try:
                return connection.finish(mail, deadline)
            finally:
                self._give_back(connection)
        except Declined as exc:
            return exc.answer
        except Broken as exc:
            raise ConnectFailed(str(exc)) from exc

    def check(self, deadline: Deadline) -> Answer:
        """
        Connect, log in and ask for a sign of life.

        Raises:
            ConnectFailed: There was none.
            AuthFailed: The server offers no way to log in that we know.
        """
        connection = self._take_new()
        try:
            connection.open(deadline)
            return connection.check(deadline)
        except Declined as exc:
            return exc.answer
        except Broken as exc:
            raise ConnectFailed(str(exc)) from exc
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Take leave of idle connections, end busy ones. Takes at most about 3 s."""
        with self._changed:
            self._closed = True
            for connection in self._busy:
                connection.channel.abort()
            # Under the same lock, so that from now on nobody takes one of these for a mail.
            idle, self._idle = self._idle, []
        farewell = Deadline.after(_FAREWELL, self._clock)
        for connection in idle:
            connection.quit(farewell)
        until = Deadline.after(_LAST_WORDS, self._clock)
        with self._changed:
            while self._busy and not until.passed():
                self._clock.wait(self._changed, until.remaining())

    def _resume(self, mail: Mail, deadline: Deadline) -> Connection | None:
        """Begin a mail on an idle connection; None: there is none that still works."""
        connection = self._take_idle()
        if connection is None:
            return None
        # Half of the time: a server that has silently forgotten us must leave enough for a new connection.
        share = Deadline.after(deadline.remaining() / 2, self._clock)
        try:
            connection.begin(mail, share)
        except (Broken, Declined, DeliveryError) as exc:
            works = connection.reusable
            if isinstance(exc, Declined) and exc.answer.code < 500:
                # Perhaps it is this session that has had its share of mails: the next one begins another.
                connection.close()
            self._give_back(connection)
            if works:
                raise
            # A server that has forgotten one connection has forgotten them all.
            for other in self._take_all_idle():
                other.close()
            return None
        return connection

    def _start(self, mail: Mail, deadline: Deadline) -> Connection:
        """Begin a mail on a new connection."""
        connection = self._take_new()
        try:
            connection.open(deadline)
            connection.begin(mail, deadline)
        except (Broken, Declined, DeliveryError):
            self._give_back(connection)
            raise
        return connection

    def _take_new(self) -> Connection:
        connection = Connection(self._server)
        with self._changed:
            if self._closed:
                raise ConnectFailed("the gateway is being closed")
            self._busy.add(connection)
        return connection

    def _take_idle(self) -> Connection | None:
        youngest = self._clock.monotonic() - _LONGEST_IDLE
        with self._changed:
            # Those that have rested longest come first.
            while self._idle and self._idle[0].used_at < youngest:
                self._idle.pop(0).close()
            while self._idle:
                connection = self._idle.pop()
                if connection.channel.quiet():
                    self._busy.add(connection)
                    return connection
                connection.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        connection.used_at = self._clock.monotonic()
        with self._changed:
            self._busy.discard(connection)
            keep = connection.reusable and not self._closed and len(self._idle) < self._keep
            if keep:
                self._idle.append(connection)
            self._changed.notify_all()
        if not keep:
            connection.close()

    def _take_all_idle(self) -> list[Connection]:
        with self._changed:
            connections, self._idle = self._idle, []
        return connections
