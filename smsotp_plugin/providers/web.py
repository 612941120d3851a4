"""What providers that speak HTTP share: one wire to one address."""

import html
import re
from abc import abstractmethod
from contextlib import suppress
from typing import TypeVar, final
from urllib.parse import unquote_plus

from requests import PreparedRequest, Response

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import DeliveryError, Unknown
from smsotp_plugin.providers.base import GatewayContext, GatewaySettings, Provider
from smsotp_plugin.providers.judging import Reply, judge_cut_off
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.wire.http.client import HttpWire, Origin, is_cut_off, retry_after, text_of

SettingsT = TypeVar("SettingsT", bound=GatewaySettings)
_TAG = re.compile(r"<[^<>]{0,500}>")
#: Where the part of a page that no reader sees begins, and where it ends.
_UNSEEN = re.compile(r"<(?:style|script|head\b)", re.IGNORECASE)
_UNSEEN_END = re.compile(r"</(?:style|script|head)>", re.IGNORECASE)


class WebProvider(Provider[SettingsT, PreparedRequest, Response]):
    """
    A gateway behind HTTP: a request of `requests` goes out, and what comes back is read as text.

    A subclass makes the request (`compose`) and judges the text (`read`).
    """

    def __init__(self, context: GatewayContext, settings: SettingsT, origin: Origin) -> None:
        super().__init__(context, settings)
        self.origin = origin
        self._wire = HttpWire(origin)

    @abstractmethod
    def read(self, reply: Reply) -> Receipt:
        """
        Decide what an answer means. No I/O.

        Raises:
            DeliveryError: It is not an acceptance. What the gateway says is added to the error.
        """

    def close(self) -> None:
        """End all connections."""
        self._wire.close()

    def exchange(self, request: PreparedRequest, deadline: Deadline) -> Response:
        """Send the request over a kept connection."""
        return self._wire.exchange(request, deadline)

    @final
    def judge(self, answer: Response) -> Receipt:
        """Hand the answer to `read` as text."""
        text = text_of(answer)
        asked: PreparedRequest | None = answer.request
        method = asked.method if asked is not None else None
        reply = Reply(
            answer.status_code,
            text,
            retry_after(answer, self.context.clock.time()),
            # If the request is not known, it has to count as one that may have sent something.
            method or "POST",
            is_cut_off(answer),
        )
        try:
            return self._read(reply)
        except DeliveryError as exc:
            exc.said = _read_page(text)
            raise

    def _read(self, reply: Reply) -> Receipt:
        try:
            return self.read(reply)
        except Unknown:
            raise
        except DeliveryError as exc:
            # From 300 on, the status says that nothing came of the request.
            if reply.cut_off and reply.status < 300:
                raise judge_cut_off(reply) from exc
            raise

    def probe(self, deadline: Deadline) -> None:
        """Connect, and send nothing."""
        self._wire.probe(deadline)

    def show_request(self, request: PreparedRequest) -> str:
        """Return method, URL and body, readable."""
        body = request.body or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        return unquote_plus(f"{request.method} {request.url} {text}".rstrip())

    def show_answer(self, answer: Response) -> str:
        """Return status and text."""
        return f"status {answer.status_code}: {text_of(answer)!r}"


def _read_page(page: str) -> str:
    """
    Return the text that a person would see of an HTML page; anything else is returned unchanged.

    Goes through the page once, from its beginning to its end: a single expression for all of this would look for the end of each
    part that has none, and would hold the interpreter's lock, and so all log-ins, for seconds.
    """
    seen, at = [], 0
    while (begin := _UNSEEN.search(page, at)) and (end := _UNSEEN_END.search(page, begin.end())):
        seen.append(page[at : begin.start()])
        at = end.end()
    text = _TAG.sub(" ", " ".join([*seen, page[at:]]))
    with suppress(ValueError):  # a character's number has more digits than Python reads: nothing is unescaped
        text = html.unescape(text)
    return text.strip()
