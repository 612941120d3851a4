"""The inbox page: a web page that shows every message, and the API behind it, on a server of its own."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Self

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Tls
from smsotp_mocks.net.http import CONTINUE, Answer, BadRequest, Request, read_request
from smsotp_mocks.net.tcp_server import TcpServer, finish
from smsotp_mocks.page.api import Api, Operation, answer_json
from smsotp_mocks.page.events import EventStream
from smsotp_mocks.page.request import Problem, demand_own_page

_MOST_WAITING = 100  # event streams and waits at a time
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


class InboxPage(TcpServer):
    """
    Serves the page at ``/`` and the API below ``/api/``; ``/api/openapi.json`` describes it.

    Args:
        inbox: What is shown.
        gateways: The gateways whose faults can be switched on and off.
        host: Address to listen on.
        port: 0 takes a free one.
        tls: The certificate to present; None for plain HTTP.
    """

    def __init__(
        self,
        inbox: Inbox,
        gateways: Sequence[Gateway] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self._stopping = threading.Event()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._api = Api(inbox, gateways, self._stopping)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"{'https' if self.tls else 'http'}://{self.authority}/"

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the API can be asked for."""
        return self._api.operations

    def start(self) -> Self:
        self._stopping.clear()
        return super().start()

    def before_stop(self) -> None:
        self._stopping.set()

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while True:
                try:
                    request = read_request(stream, lambda: connection.sendall(CONTINUE))
                except BadRequest as bad:
                    connection.sendall(
                        _secure(_answer_error(bad.status, bad.reason)).to_bytes(keep_alive=False)
                    )
                    finish(connection)
                    return
                if request is None or not self._serve(connection, request):
                    return

    def _serve(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; return whether the connection can be used again."""
        waits = request.path in ("/api/events", "/api/wait")
        with self._take_place(waits=waits) as free:
            reply = self._reply(request) if free else _answer_error(503, "Too many are waiting already.")
            if isinstance(reply, EventStream):
                head = _secure(Answer(200, b"", "text/event-stream")).to_bytes(keep_alive=False)
                connection.sendall(head.replace(b"Content-Length: 0\r\n", b""))
                if request.method != "HEAD":
                    reply.run(connection, self._stopping)
                return False
        keep = request.keeps_alive
        connection.sendall(_secure(reply).to_bytes(keep_alive=keep, with_body=request.method != "HEAD"))
        if not keep:
            finish(connection)
        return keep

    @contextmanager
    def _take_place(self, *, waits: bool) -> Iterator[bool]:
        free = not waits or self._waiting.acquire(blocking=False)
        try:
            yield free
        finally:
            if waits and free:
                self._waiting.release()

    def _reply(self, request: Request) -> Answer | EventStream:
        try:
            demand_own_page(request, self.host)
            return self._operate(request)
        except Problem as problem:
            return _answer_error(problem.status, str(problem))
        except BadRequest as bad:
            return _answer_error(bad.status, bad.reason)

    def _operate(self, request: Request) -> Answer | EventStream:
        method = "GET" if request.method == "HEAD" else request.method
        served = [
            (operation, found)
            for operation in self.operations
            if (found := operation.match(request.path)) is not None
        ]
        for operation, found in served:
            if operation.method == method:
                return operation.handler(request, found)
        methods = {operation.method for operation, _ in served} or (
            {"GET"} if request.path in _load_static() else set()
        )
        if not methods:
            raise Problem(404, f"There is nothing at {request.path[:200]!r}. The API begins with /api/.")
        if method not in methods:
            allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
            refused = _answer_error(405, f"{method} is not possible here; {allowed} is.")
            return Answer(405, refused.body, refused.content_type, (("Allow", allowed),))
        return _load_static()[request.path]


def load_openapi_document() -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1)."""
    document: dict[str, Any] = json.loads(files(__package__).joinpath("openapi.json").read_bytes())
    return document


@cache
def _load_static() -> dict[str, Answer]:
    folder = files(__package__).joinpath("static")
    answers = {}
    for file in folder.iterdir():
        content_type = _TYPES[file.name.rpartition(".")[2]]
        answers[f"/{file.name}"] = Answer(200, file.read_bytes(), f"{content_type}; charset=utf-8")
    answers["/"] = answers.pop("/index.html")
    answers["/api/openapi.json"] = answer_json(load_openapi_document())
    return answers


def _answer_error(status: int, text: str) -> Answer:
    return answer_json({"error": text}, status)


def _secure(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, answer.content_type, (*_HEADERS, *answer.headers))
