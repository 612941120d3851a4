"""The SMTP client against a server of a few lines that says exactly what a test wants."""

import base64
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from io import BufferedReader

import pytest
import trustme
from pydantic import SecretStr

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
)
from smsotp_plugin.wire.smtp.pool import Answer, Mail, MailServer, SmtpPool, Stage
from tests.support.clock import FakeClock

CLOCK = SystemClock()
MAIL = Mail("otp@example.com", "sms@example.net", b"Subject: x\r\n\r\n.123456\r\n")
GOOD = {
    "": b"220 ready\r\n",
    "EHLO": b"250-here\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN\r\n",
    "STARTTLS": b"220 go\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 2.0.0 Ok: queued as 4F1\r\n",
    "QUIT": b"221 bye\r\n",
    "AUTH": b"235 welcome\r\n",
}
HANG = b"HANG"
CLOSE = b"CLOSE"


Replies = dict[str, bytes | dict[bytes, bytes]]


class Server:
    """Answers each verb, or each line of a verb, with the given bytes; `HANG` says nothing, `CLOSE` hangs up."""

    def __init__(
        self, replies: Replies, tls: ssl.SSLContext | None = None, *, implicit: bool = False
    ) -> None:
        self.implicit = implicit
        self.replies: Replies = {**GOOD, **replies}
        self.tls = tls
        self.lines: list[bytes] = []
        self.connections = 0
        self.hanging = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._open.append(peer)
                self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
                self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.implicit and self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
                self._open.append(peer)
            self._say(peer, self._reply_to("", b""))
            self._talk(peer)
        peer.close()

    def _talk(self, peer: socket.socket) -> None:
        reader = peer.makefile("rb")
        with reader:
            for line in reader:
                self.lines.append(line)
                verb = line.strip().split(b" ")[0].decode("latin-1")
                self._say(peer, self._reply_to(verb, line.strip()))
                if verb == "STARTTLS" and self.tls:
                    with self.tls.wrap_socket(peer, server_side=True) as encrypted:
                        self._talk(encrypted)
                    return
                if verb == "DATA" and self._reply_to("DATA", b"").startswith(b"354"):
                    self._read_content(reader)
                    self._say(peer, self._reply_to(".", b""))

    def _reply_to(self, verb: str, line: bytes) -> bytes:
        reply = self.replies.get(verb, b"250 ok\r\n")
        return reply if isinstance(reply, bytes) else reply[line]

    def _read_content(self, reader: BufferedReader) -> None:
        for line in iter(reader.readline, b""):
            self.lines.append(line)
            if line == b".\r\n":
                return

    def _say(self, peer: socket.socket, reply: bytes) -> None:
        if reply == CLOSE:
            peer.shutdown(socket.SHUT_RDWR)
        elif reply == HANG:
            self.hanging.set()
        else:
            peer.sendall(reply)

    def hang_up(self) -> None:
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def start_server(
            tls: ssl.SSLContext | None = None,
            *,
            implicit: bool = False,
            **replies: bytes | dict[bytes, bytes],
        ) -> Server:
            named = {"greeting": "", "content": "."}
            server = Server(
                {named.get(verb, verb): reply for verb, reply in replies.items()}, tls, implicit=implicit
            )
            stack.callback(server.stop)
            return server

        yield start_server


@pytest.fixture
def pool_to() -> Iterator[Callable[..., SmtpPool]]:
    with contextlib.ExitStack() as stack:

        def make(server: Server, **endpoint: object) -> SmtpPool:
            settings: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "tls": None} | endpoint
            pool = SmtpPool(MailServer(**settings), CLOCK, keep=2)  # type: ignore[arg-type]
            stack.callback(pool.close)
            return pool

        yield make


PoolTo = Callable[..., SmtpPool]


def soon() -> Deadline:
    return Deadline.after(5, CLOCK)


def at_once() -> Deadline:
    return Deadline.after(0.3, CLOCK)


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
@pytest.mark.parametrize("reply", [HANG, CLOSE, b"what?\r\n", b"999 no\r\n", b"250-a\r\n" * 200, b"2" * 9000])
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


@pytest.mark.parametrize("reply", [CLOSE, b"250", b"what?\r\n"])
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
    deadline = at_once()
    with pytest.raises(ConnectFailed):
        pool_to(server).send(MAIL, deadline)
    late = CLOCK.monotonic() - deadline.at
    stop.set()
    dripping.join()

    assert late < 0.2


def test_a_wrong_login_is_answered_with_the_servers_reply(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")

    answer = pool_to(server, username="me", password=SecretStr("wrong")).send(MAIL, soon())

    assert (answer.stage, answer.code) == (Stage.AUTH, 535)
    assert server.lines == [b"EHLO [127.0.0.1]\r\n", b"AUTH PLAIN AG1lAHdyb25n\r\n"]


def test_a_connection_without_login_is_not_used_again(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")
    pool = pool_to(server, username="me", password=SecretStr("wrong"))

    pool.send(MAIL, soon())
    pool.send(MAIL, soon())

    assert server.connections == 2


def test_login_takes_passwords_beyond_ascii(start: Start, pool_to: PoolTo) -> None:
    server = start()

    pool_to(server, username="jörg", password=SecretStr("pässwörd")).send(MAIL, soon())

    assert server.lines[1] == b"AUTH PLAIN " + base64.b64encode("\0jörg\0pässwörd".encode()) + b"\r\n"


def test_login_falls_back_to_the_mechanism_login(start: Start, pool_to: PoolTo) -> None:
    name, password = base64.b64encode(b"me"), base64.b64encode(b"secret")
    server = start(
        EHLO=b"250-here\r\n250 AUTH LOGIN\r\n",
        AUTH=b"334 VXNlcm5hbWU6\r\n",
        **{name.decode(): b"334 UGFzc3dvcmQ6\r\n", password.decode(): b"235 welcome\r\n"},
    )

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert server.lines[1:4] == [b"AUTH LOGIN\r\n", name + b"\r\n", password + b"\r\n"]


CREDENTIALS = base64.b64encode(b"\0me\0secret")
NAME, PASSWORD = base64.b64encode(b"me"), base64.b64encode(b"secret")
LOGIN = {
    "LOGIN": b"334 VXNlcm5hbWU6\r\n",
    NAME.decode(): b"334 UGFzc3dvcmQ6\r\n",
    PASSWORD.decode(): b"235 welcome\r\n",
}


def commands(server: Server) -> list[bytes]:
    """Return what was said between EHLO and the mail."""
    lines = [line.strip() for line in server.lines]
    return lines[1 : lines.index(b"MAIL FROM:<otp@example.com>")]


@pytest.mark.parametrize(
    "offer",
    [
        b"250-here\r\n250-AUTH=LOGIN\r\n250 8BITMIME\r\n",
        b"250-here\r\n250-AUTH CRAM-MD5\r\n250 AUTH LOGIN\r\n",
        b"250-here\r\n250-AUTH=LOGIN\r\n250 AUTH NTLM\r\n",
        b"250-here\r\n250 auth login\r\n",
        b"250-here\r\n250-auth=ntlm login \r\n250 AUTH\r\n",
    ],
)
def test_every_way_to_offer_login_is_understood(start: Start, pool_to: PoolTo, offer: bytes) -> None:
    server = start(EHLO=offer, **(LOGIN | {"AUTH": b"334 VXNlcm5hbWU6\r\n"}))

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [b"AUTH LOGIN", NAME, PASSWORD]


@pytest.mark.parametrize("refusal", [b"504 5.5.4 unrecognised", b"501 syntax", b"534 5.7.9 too weak"])
def test_where_plain_is_not_served_login_is_tried(start: Start, pool_to: PoolTo, refusal: bytes) -> None:
    plain = b"AUTH PLAIN " + CREDENTIALS
    server = start(**(LOGIN | {"AUTH": {plain: refusal + b"\r\n", b"AUTH LOGIN": LOGIN["LOGIN"]}}))

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [plain, b"AUTH LOGIN", NAME, PASSWORD]


def test_a_wrong_password_is_not_tried_a_second_way(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"535 5.7.8 no\r\n")

    pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert server.lines[1:] == [b"AUTH PLAIN " + CREDENTIALS + b"\r\n"]


def test_a_server_that_asks_for_the_credentials_of_plain_gets_them(start: Start, pool_to: PoolTo) -> None:
    server = start(AUTH=b"334 \r\n", **{CREDENTIALS.decode(): b"235 welcome\r\n"})

    answer = pool_to(server, username="me", password=SecretStr("secret")).send(MAIL, soon())

    assert answer.code == 250
    assert commands(server) == [b"AUTH PLAIN " + CREDENTIALS, CREDENTIALS]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (b"250-here\r\n250 AUTH CRAM-MD5 SCRAM-SHA-256\r\n", "offers AUTH CRAM-MD5, SCRAM-SHA-256 only"),
        (b"250-here\r\n250 AUTH \xe4\x01 <script>\r\n", "offers no AUTH "),
        (b"250 here\r\n", "offers no AUTH .*after TLS only.*: remove username and password"),
        (b"502 what is EHLO?\r\n", r"refuses EHLO \(502\), and offers no AUTH without it: set `helo`"),
        (b"550 5.7.1 who?\r\n", r"refuses EHLO \(550 5\.7\.1\)"),
    ],
)
def test_without_a_way_to_log_in_the_error_says_what_the_server_offers(
    start: Start, pool_to: PoolTo, offer: bytes, said: str
) -> None:
    server = start(EHLO=offer)
    pool = pool_to(server, username="me", password=SecretStr("secret"))

    with pytest.raises(AuthFailed, match=said) as sending:
        pool.send(MAIL, soon())
    with pytest.raises(AuthFailed, match=said) as probing:
        pool.check(soon())

    assert "answered" not in str(sending.value) + str(probing.value)


@pytest.mark.parametrize(
    ("sender", "recipient", "error"),
    [
        ("otp@example.com", "smß@example.net", BadRecipient),
        ("ötp@example.com", "a@example.net", GatewayUnavailable),
    ],
)
def test_addresses_that_the_server_cannot_take_are_not_blamed_on_an_answer(
    start: Start, pool_to: PoolTo, sender: str, recipient: str, error: type[DeliveryError]
) -> None:
    server = start()
    pool = pool_to(server)

    for _ in range(2):
        with pytest.raises(error, match="does not offer SMTPUTF8"):
            pool.send(Mail(sender, recipient, b"x\r\n"), soon())

    assert [line.split()[0] for line in server.lines] == [b"EHLO"]


def test_the_server_is_greeted_with_the_name_that_is_set(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"502 what?\r\n")

    pool_to(server, helo="radius.example.com").send(MAIL, soon())

    assert server.lines[:2] == [b"EHLO radius.example.com\r\n", b"HELO radius.example.com\r\n"]


def test_the_reply_to_helo_is_not_taken_for_one_to_ehlo(start: Start, pool_to: PoolTo) -> None:
    pool = pool_to(start(EHLO=b"502 what?\r\n", HELO=b"550 5.7.1 no\r\n"))

    answer = pool.send(MAIL, soon())

    assert (str(answer.stage), answer.code) == ("HELO", 550)


def test_an_ipv6_address_stands_in_brackets_before_its_port() -> None:
    assert str(MailServer("::1", 25, None)) == "[::1]:25"


def test_a_server_without_starttls_gets_neither_login_nor_mail(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"250-here\r\n250 AUTH PLAIN\r\n")
    pool = pool_to(
        server, tls=ssl.create_default_context(), starttls=True, username="me", password=SecretStr("secret")
    )

    with pytest.raises(ConnectFailed, match="does not offer STARTTLS"):
        pool.send(MAIL, soon())

    assert server.lines == [b"EHLO [127.0.0.1]\r\n"]


def test_bytes_slipped_in_behind_the_answer_to_starttls_end_the_connection(
    start: Start, pool_to: PoolTo
) -> None:
    server = start(STARTTLS=b"220 go\r\n250 AUTH PLAIN\r\n")

    with pytest.raises(ConnectFailed, match="bytes in clear"):
        pool_to(server, tls=ssl.create_default_context(), starttls=True).send(MAIL, soon())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_offers_are_asked_for_again_inside_tls(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = start(tls=server_side)

    answer = pool_to(server, tls=client_side, starttls=True).send(MAIL, soon())

    assert answer.code == 250
    assert [line.split()[0] for line in server.lines[:4]] == [b"EHLO", b"STARTTLS", b"EHLO", b"MAIL"]


def test_tls_from_the_first_byte_needs_no_starttls_and_is_kept_for_the_next_mail(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = start(tls=server_side, implicit=True)
    pool = pool_to(server, tls=client_side)

    codes = [pool.send(MAIL, soon()).code for _ in range(2)]

    assert codes == [250, 250]
    assert server.connections == 1
    assert b"STARTTLS\r\n" not in server.lines


@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_refused_with_the_reason(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, how: str
) -> None:
    server = start(tls=server_side, implicit=how == "tls")

    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        pool_to(server, tls=ssl.create_default_context(), starttls=how == "starttls").send(MAIL, soon())


def test_a_server_that_speaks_no_tls_gets_nothing(
    start: Start, pool_to: PoolTo, client_side: ssl.SSLContext
) -> None:
    with pytest.raises(ConnectFailed, match="no TLS with"):
        pool_to(start(), tls=client_side).send(MAIL, soon())


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
