"""
One connection to one origin, perhaps through a proxy, for one exchange at a time.

Every failure before the last byte of the request is handed to the operating system is certain: the gateway cannot have
the whole request. Every failure after it is not.

See RFC 9112 sections 3.2 (forms of the target) and 9.3 (keeping a connection), RFC 9110 section 9.3.6 (CONNECT).
"""

import re
import ssl
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import AnswerTimeout, BadMessage, ConnectFailed, ProtocolViolation
from smsotp_plugin.wire.channel import Broken, Channel, NotLetIn, Silent
from smsotp_plugin.wire.http.messages import USUAL_PORT, Origin, basic_auth
from smsotp_plugin.wire.http.reading import Answer, Incoming, read_answer, read_head

#: Seconds after which an idle connection is not used again. Common servers close theirs after 5 s or more, and a
#: request that arrives just then is lost without a word.
_MOST_IDLE = 4.0


class HttpConnection:
    """A connection that is made when it is first needed, and again after anything that leaves a doubt."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext | None) -> None:
        self._origin = origin
        self._tls = tls
        self._proxy = urlsplit(origin.proxy) if origin.proxy else None
        self._channel: Channel | None = None
        self._good_until = 0.0
        self._closed = False

    def exchange(self, request: PreparedRequest, deadline: Deadline) -> tuple[Answer, bool]:
        """
        Send a request and read its answer.

        Returns:
            The answer, and whether its body may have been cut off: it goes on to the end of the connection, and no
            close_notify came before that (RFC 9112 section 9.8).

        Raises:
            BadMessage: The request cannot be written.
            NotSent: The gateway cannot have the whole request.
            Unknown: It can, and no complete answer came.
        """
        data = self._write(request)
        used_before = self._can_be_used(deadline)
        channel = self._channel if used_before else None
        try:
            if channel is None:
                channel = self._open_fresh(deadline)
            channel.write(data, deadline)
        except Broken as exc:
            self._drop()
            raise ConnectFailed(str(exc)) from None
        try:
            answer = self._read(channel, deadline, used_before=used_before)
        except Silent:
            self._drop()
            raise AnswerTimeout("no complete answer in time") from None
        except NotLetIn as exc:
            self._drop()
            raise ConnectFailed(str(exc)) from None
        except Broken as exc:
            self._drop()
            raise ProtocolViolation(str(exc)) from None
        cut_off = answer.to_the_end and channel.cut_off
        if answer.keep:
            self._good_until = deadline.clock.monotonic() + _find_idle_limit(answer.headers)
        else:
            self._drop()
        return answer, cut_off

    def probe(self, deadline: Deadline) -> None:
        """
        Connect, and send no request.

        Raises:
            ConnectFailed: That cannot be done.
        """
        try:
            self._connect(deadline)
        except Broken as exc:
            raise ConnectFailed(str(exc)) from None
        finally:
            self._drop()

    def abort(self) -> None:
        """Wake the thread that waits on this connection, if there is one: it sees the connection end."""
        self._closed = True
        if (channel := self._channel) is not None:
            channel.abort()

    def close(self) -> None:
        """Close it for good."""
        self._closed = True
        self._drop()

    def has_rested(self, deadline: Deadline) -> bool:
        """Tell whether it has rested for too long to be used again."""
        return deadline.clock.monotonic() > self._good_until

    def _can_be_used(self, deadline: Deadline) -> bool:
        """Tell whether there is a connection that is still open, has not been idle for too long and holds nothing unasked."""
        if self._channel is None:
            return False
        if not self.has_rested(deadline) and self._channel.quiet():
            return True
        self._drop()
        return False

    def _read(self, channel: Channel, deadline: Deadline, *, used_before: bool) -> Answer:
        limit = self._origin.read_limit

        def receive() -> bytes:
            return channel.receive(deadline if limit is None else _choose_sooner(limit, deadline))

        incoming = Incoming(receive)
        answer = read_answer(incoming)
        if used_before and incoming.has_anything():
            # One of the two may be the late answer to an earlier request; nobody can tell which.
            raise Broken("the connection holds more than one answer")
        return answer

    def _open_fresh(self, deadline: Deadline) -> Channel:
        channel = self._connect(deadline)
        if not channel.quiet():
            raise Broken("it closed the connection, or spoke, before it was asked anything")
        return channel

    def _connect(self, deadline: Deadline) -> Channel:
        origin, proxy = self._origin, self._proxy
        if origin.connect_limit is not None:
            deadline = _choose_sooner(origin.connect_limit, deadline)
        if deadline.passed():
            raise Broken("no time was left to connect")
        address = origin.address() if proxy is None else proxy.netloc.rpartition("@")[2]
        channel = self._channel = Channel(address)
        if self._closed:
            raise Broken("the gateway's connections have been closed")
        tls = self._tls if origin.scheme == "https" else None
        if proxy is None:
            channel.connect(origin.host, origin.port, deadline, tls)
            return channel
        of_proxy = self._tls if proxy.scheme == "https" else None
        channel.connect(
            proxy.hostname or "", proxy.port or (80 if of_proxy is None else 443), deadline, of_proxy
        )
        if tls is not None:
            self._ask_for_a_tunnel(channel, deadline)
            channel.encrypt(tls, origin.host, deadline)
        return channel

    def _ask_for_a_tunnel(self, channel: Channel, deadline: Deadline) -> None:
        address = self._origin.address()
        lines = [f"CONNECT {address} HTTP/1.1", f"Host: {address}", *self._write_proxy_lines(), "", ""]
        channel.write("\r\n".join(lines).encode("latin-1"), deadline)
        incoming = Incoming(lambda: channel.receive(deadline))
        try:
            status = read_head(incoming).status
        except Silent:
            raise
        except Broken as exc:
            raise Broken(f"the proxy gave no answer that can be read: {exc}") from None
        if not 200 <= status < 300:
            advice = ": check its credentials" if status == 407 else ""
            raise Broken(f"the proxy refused to connect to the gateway, with status {status}{advice}")
        if incoming.has_anything():
            raise Broken("the proxy sent bytes in clear where TLS had to begin")

    def _write_proxy_lines(self) -> list[str]:
        if self._proxy is None or self._proxy.username is None:
            return []
        account = basic_auth(unquote(self._proxy.username), unquote(self._proxy.password or ""))
        return [f"Proxy-Authorization: {account}"]

    def _write(self, request: PreparedRequest) -> bytes:
        """
        Return a request as bytes.

        Raises:
            BadMessage: It goes elsewhere, or has no form that can be written.
        """
        target = _write_target(request.url or "", self._origin)
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        if not isinstance(body, bytes):
            raise BadMessage("the request's body is neither text nor bytes")
        lines = [f"{request.method} {target} HTTP/1.1"]
        if "host" not in request.headers:
            lines.append(f"Host: {self._origin.host_header()}")
        if self._proxy is not None and self._origin.scheme == "http":
            # A proxy wants the whole URL of what it forwards.
            lines[0] = (
                f"{request.method} {self._origin.scheme}://{self._origin.host_header()}{target} HTTP/1.1"
            )
            lines += self._write_proxy_lines()
        lines += [
            f"{name}: {_encode_latin(value)}"
            for name, value in request.headers.items()
            if name.lower() not in ("content-length", "transfer-encoding")
        ]
        if body or request.method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        if " " in target:
            raise BadMessage("the request's URL holds a blank")
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
            raise BadMessage("a header of the request holds a line break")
        try:
            return head.encode("latin-1") + b"\r\n\r\n" + body
        except UnicodeEncodeError:
            raise BadMessage("a header of the request holds characters that no header can carry") from None

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _encode_latin(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _write_target(url: str, origin: Origin) -> str:
    """Return path and query of a URL, which must lead to the origin."""
    base = origin.url()
    if url.startswith(base + "/"):
        return url[len(base) :].partition("#")[0]
    parts = urlsplit(url)
    try:
        port = parts.port or USUAL_PORT.get(parts.scheme)
    except ValueError:
        port = None
    if (parts.scheme, parts.hostname, port) != (origin.scheme, origin.host, origin.port):
        raise BadMessage("the request leads to another host than the gateway's")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _choose_sooner(seconds: float, deadline: Deadline) -> Deadline:
    return min(Deadline.after(seconds, deadline.clock), deadline, key=lambda each: each.at)


def _find_idle_limit(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a connection may rest: a second less than the peer says (RFC 2068 19.7.1.1)."""
    found = re.search(r"timeout=(\d{1,6})", headers.get("keep-alive", ""))
    return max(0.0, float(found[1]) - 1.0) if found else _MOST_IDLE
