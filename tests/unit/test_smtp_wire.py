"""The SMTP client against a server of a few lines that says exactly what a test wants."""

import contextlib
import itertools
import select
import socket
import threading
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AnswerTimeout,
    ConnectFailed,
    ProtocolViolation,
)
from smsotp_plugin.wire.smtp.connection import Connection
from smsotp_plugin.wire.smtp.pool import Answer, Mail, MailServer, SmtpPool, Stage
from tests.support.clock import FakeClock
from tests.support.interruption import interrupt_at_each_step
from tests.support.smtp_peer import CLOCK, CLOSE, HANG, MAIL, PoolTo, Start, at_once, soon


def test_a_mail_is_handed_over_with_its_dots_doubled(start: Start, pool_to: PoolTo) -> None:
    server = start()

    answer = pool_to(server).send(MAIL, soon())

    assert answer == Answer(Stage.CONTENT, 250, "2.0.0 Ok: queued as 4F1")
    assert server.lines == [
        b"EHLO [127.0.0.1]\r\n",
        b"MAIL FROM:<otp@example.com>\r\n",
        b"RCPT TO:<sms@example.net>\r\n",
        b"DATA\r\n",
        b"Subject: x\r\n",
        b"\r\n",
        b"..123456\r\n",
        b".\r\n",
    ]


def test_the_next_mail_takes_the_same_connection(start: Start, pool_to: PoolTo) -> None:
    server = start()
    pool = pool_to(server)

    for _ in range(3):
        pool.send(MAIL, soon())

    assert server.connections == 1


@pytest.mark.parametrize("early", [b"250 2.0.0 Ok: queued as 4F1\r\n", b"552 5.3.4 too big\r\n", b"x"])
def test_an_answer_that_comes_before_the_mail_is_complete_is_none(
    start: Start, pool_to: PoolTo, early: bytes
) -> None:
    server = start(DATA=b"354 go on\r\n" + early, content=b"554 5.6.0 no\r\n")

    with pytest.raises(ConnectFailed, match="before it had the complete mail"):
        pool_to(server).send(MAIL, soon())


def test_after_a_declined_recipient_the_connection_is_reset_and_used_again(
    start: Start, pool_to: PoolTo
) -> None:
    server = start(RCPT=b"550 5.1.1 unknown\r\n")
    pool = pool_to(server)

    declined = pool.send(MAIL, soon())
    server.replies["RCPT"] = b"250 ok\r\n"
    taken = pool.send(MAIL, soon())

    assert (declined.stage, declined.code, declined.enhanced) == (Stage.RECIPIENT, 550, "5.1.1")
    assert (taken.stage, taken.code) == (Stage.CONTENT, 250)
    assert b"RSET\r\n" in server.lines
    assert server.connections == 1


def test_a_connection_closed_while_idle_is_replaced_before_anything_is_sent(
    start: Start, pool_to: PoolTo
) -> None:
    server = start()
    pool = pool_to(server)
    pool.send(MAIL, soon())
    server.hang_up()

    answer = pool.send(MAIL, soon())

    assert (answer.code, server.connections) == (250, 2)


def test_a_connection_on_which_the_server_spoke_unasked_is_replaced(start: Start, pool_to: PoolTo) -> None:
    server = start()
    pool = pool_to(server)
    pool.send(MAIL, soon())
    server._open[0].sendall(b"250 surprise\r\n")
    select.select([pool._idle[0].channel._socket], [], [], 5)  # type: ignore[type-var]

    answer = pool.send(MAIL, soon())

    assert (answer.text, server.connections) == ("2.0.0 Ok: queued as 4F1", 2)


def test_a_connection_that_was_idle_for_long_is_not_used_again(start: Start) -> None:
    server, clock = start(), FakeClock()
    pool = SmtpPool(MailServer("127.0.0.1", server.port, None), clock, keep=2)
    pool.send(MAIL, Deadline.after(5, clock))
    clock.advance(61)

    pool.send(MAIL, Deadline.after(5, clock))
    pool.close()

    assert server.connections == 2


def test_a_connection_on_which_no_further_mail_is_taken_for_now_is_not_used_again(
    start: Start, pool_to: PoolTo
) -> None:
    server = start()
    pool = pool_to(server)
    pool.send(MAIL, soon())
    server.replies["MAIL"] = b"452 4.5.3 too many mails in this session\r\n"
    declined = pool.send(MAIL, soon())
    server.replies["MAIL"] = b"250 ok\r\n"

    assert (declined.stage, declined.code) == (Stage.SENDER, 452)
    assert pool.send(MAIL, soon()).code == 250
    assert server.connections == 2


def test_a_connection_that_a_rush_has_left_over_is_closed_once_it_has_rested_too_long(start: Start) -> None:
    server, clock = start(), FakeClock()
    pool = SmtpPool(MailServer("127.0.0.1", server.port, None), clock, keep=2)
    rush = [pool._start(MAIL, Deadline.after(60, clock)) for _ in range(2)]
    for connection in rush:
        connection.finish(MAIL, Deadline.after(60, clock))
        pool._give_back(connection)

    for _ in range(2):
        clock.advance(40)
        pool.send(MAIL, Deadline.after(60, clock))

    assert [connection.reusable for connection in rush] == [False, True]
    assert server.connections == 2
    pool.close()


@pytest.mark.parametrize("reply", [CLOSE, HANG, b"421 4.4.2 idle too long\r\n"])
def test_an_idle_connection_that_fails_at_the_first_step_is_replaced(
    start: Start, pool_to: PoolTo, reply: bytes
) -> None:
    server = start()
    pool = pool_to(server)
    pool.send(MAIL, soon())
    server.replies["MAIL"] = reply

    with contextlib.suppress(ConnectFailed):
        pool.send(MAIL, at_once())

    assert server.connections == 2


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "reply",
    [HANG, CLOSE, b"what?\r\n", b"999 no\r\n", b"250-a\r\n" * 200, b"2" * 9000, b"250-a\r\n550 b\r\n"],
)
def test_what_fails_before_the_last_dot_is_certainly_not_sent(
    start: Start, pool_to: PoolTo, step: str, reply: bytes
) -> None:
    pool = pool_to(start(**{step: reply}))

    with pytest.raises(ConnectFailed):
        pool.send(MAIL, at_once())


def test_silence_after_the_last_dot_leaves_the_outcome_unknown(start: Start, pool_to: PoolTo) -> None:
    pool = pool_to(start(content=HANG))

    with pytest.raises(AnswerTimeout):
        pool.send(MAIL, at_once())


class RunningOut(FakeClock):
    """Stands still for a number of looks; then all deadlines have passed."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def monotonic(self) -> float:
        self._looks -= 1
        return super().monotonic() + (1e6 if self._looks < 0 else 0.0)


def test_the_outcome_is_unknown_only_once_the_last_dot_is_written_wherever_time_is_over(
    start: Start, pool_to: PoolTo
) -> None:
    seen: list[tuple[str, bool]] = []
    for looks in itertools.count(1):
        server = start()
        try:
            pool_to(server).send(MAIL, Deadline.after(30, RunningOut(looks)))
        except (ConnectFailed, AnswerTimeout) as exc:
            server.stop()
            seen.append((type(exc).__name__, b".\r\n" in server.lines))
        else:
            break

    assert set(seen) == {("ConnectFailed", False), ("AnswerTimeout", True)}


@pytest.mark.parametrize(
    "reply", [CLOSE, b"250", b"what?\r\n", b"550-no\r\n250 ok\r\n", b"250-ok\r\n550 no\r\n"]
)
def test_a_broken_answer_after_the_last_dot_leaves_the_outcome_unknown(
    start: Start, pool_to: PoolTo, reply: bytes
) -> None:
    server = start(content=reply)
    pool = pool_to(server)

    with pytest.raises((ProtocolViolation, AnswerTimeout)):
        pool.send(MAIL, at_once())


def test_a_server_that_drips_bytes_does_not_hold_us_beyond_the_deadline(
    start: Start, pool_to: PoolTo
) -> None:
    server = start(greeting=HANG)
    stop = threading.Event()

    def drip() -> None:
        server.hanging.wait()
        with contextlib.suppress(OSError):
            while not stop.wait(0.02):
                server._open[0].sendall(b"2")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        # Without a deadline for the whole this would take as long as the bytes come.
        with pytest.raises(ConnectFailed, match="in time"):
            pool_to(server).send(MAIL, at_once())
    finally:
        stop.set()
        dripping.join()


def test_an_old_server_without_ehlo_is_greeted_with_helo(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"502 what?\r\n")

    answer = pool_to(server).send(MAIL, soon())

    assert answer.code == 250
    assert server.lines[1] == b"HELO [127.0.0.1]\r\n"


def test_an_address_beyond_ascii_asks_for_smtputf8(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"250-here\r\n250 SMTPUTF8\r\n")

    pool_to(server).send(Mail("otp@example.com", "jörg@example.net", b"\r\nx\r\n"), soon())

    assert server.lines[1:3] == [
        b"MAIL FROM:<otp@example.com> SMTPUTF8\r\n",
        "RCPT TO:<jörg@example.net>\r\n".encode(),
    ]


def test_nobody_listening_is_a_failed_connection(start: Start, pool_to: PoolTo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed, match="Connection refused"):
        pool_to(start(), port=port).send(MAIL, soon())


def test_check_logs_in_and_asks_for_a_sign_of_life(start: Start, pool_to: PoolTo) -> None:
    server = start()

    answer = pool_to(server, username="me", password=SecretStr("secret")).check(soon())

    assert (answer.stage, answer.code) == (Stage.CHECK, 250)
    assert [line.split()[0] for line in server.lines] == [b"EHLO", b"AUTH", b"NOOP"]


def test_close_takes_leave_of_idle_connections(start: Start, pool_to: PoolTo) -> None:
    server = start()
    pool = pool_to(server)
    pool.send(MAIL, soon())

    pool.close()

    assert server.lines[-1] == b"QUIT\r\n"


def test_close_ends_a_thread_that_waits_for_the_server(start: Start, pool_to: PoolTo) -> None:
    server = start(RCPT=HANG)
    pool = pool_to(server)
    failures: list[Exception] = []

    def send() -> None:
        with pytest.raises(ConnectFailed) as caught:
            pool.send(MAIL, Deadline.after(60, CLOCK))
        failures.append(caught.value)

    sending = threading.Thread(target=send)
    sending.start()
    server.hanging.wait()
    pool.close()
    sending.join(5)

    assert len(failures) == 1


def test_a_closed_pool_sends_nothing(start: Start, pool_to: PoolTo) -> None:
    server = start()
    pool = pool_to(server)
    pool.close()

    with pytest.raises(ConnectFailed, match="being closed"):
        pool.send(MAIL, soon())

    assert server.connections == 0


def test_threads_that_send_at_the_same_time_have_connections_of_their_own(
    start: Start, pool_to: PoolTo
) -> None:
    server = start()
    pool = pool_to(server)
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(pool.send(MAIL, soon()).code)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [250] * 8


def test_neither_mail_nor_password_is_shown_by_repr() -> None:
    shown = repr(MAIL) + repr(MailServer("h", 25, None, username="me", password=SecretStr("geheim")))

    assert "123456" not in shown
    assert "sms@example.net" not in shown
    assert "geheim" not in shown


def test_a_connection_that_a_mail_takes_while_all_are_closed_is_ended_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smsotp_plugin.wire.smtp.pool._FAREWELL", 0.0)
    monkeypatch.setattr("smsotp_plugin.wire.smtp.pool._LAST_WORDS", 0.0)
    ends: list[socket.socket] = []
    taken: list[Connection] = []

    def begin() -> tuple[Callable[[], None], Callable[[], None]]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ends.extend((ours, theirs))
        pool = SmtpPool(MailServer("127.0.0.1", 25, None), CLOCK, 1)
        idle = Connection(pool._server)
        idle.channel._socket, idle.used_at = ours, CLOCK.monotonic()
        pool._idle.append(idle)

        def take() -> None:
            # Whoever takes one waits while the pool is held.
            if not pool._changed._is_owned():  # type: ignore[attr-defined]  # of Condition
                connection = pool._take_idle()
                taken.extend([connection] if connection else [])

        return pool.close, take

    interrupt_at_each_step(SmtpPool.close, begin)
    for end in ends:
        end.close()

    assert taken != []
    assert [connection for connection in taken if not connection.channel._aborted] == []
