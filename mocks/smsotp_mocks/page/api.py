"""What the inbox page and other programs can ask for: messages, faults, delivery receipts, gateways. JSON over HTTP."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smsotp_mocks.faults.words import ACTIONS, BadFault
from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smpp.receipts import STATES
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox, NoMessage
from smsotp_mocks.inbox.messages import ReceivedMessage
from smsotp_mocks.inbox.numbers import normalise_number
from smsotp_mocks.net.http import Answer, Request
from smsotp_mocks.page.events import EventStream, list_faults, summarise
from smsotp_mocks.page.request import Parameters, Problem, read_body

MOST_LISTED = 1000  # messages in one answer
LONGEST_WAIT = 60.0  # seconds
_HIGHEST_ID = 2**53 - 1  # the largest integer that every reader of JSON keeps exactly
_SLICE = 0.25  # seconds until a wait checks whether the server is ending
_NUMBER_LIKE = re.compile(r"[0-9 ()/+.-]*")

Handler = Callable[[Request, Mapping[str, str]], Answer | EventStream]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation of the API.

    Attributes:
        path: As the OpenAPI document writes it, such as ``/api/messages/{id}``.
    """

    method: str
    path: str
    handler: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the path's variables, or None if the path does not match."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        return found.groupdict() if found else None


class Api:
    """
    The answers. All state is in the inbox and the gateways, none is here.

    Args:
        stopping: Set when the server ends; waits end then.
    """

    def __init__(self, inbox: Inbox, gateways: Sequence[Gateway], stopping: threading.Event) -> None:
        self._inbox = inbox
        self._gateways = {gateway.kind: gateway for gateway in gateways}
        self._stopping = stopping
        self.operations = (
            Operation("GET", "/api/messages", self._list),
            Operation("DELETE", "/api/messages", self._clear),
            Operation("GET", "/api/messages/{id}", self._show),
            Operation("POST", "/api/messages/{id}/receipt", self._send_receipt),
            Operation("GET", "/api/wait", self._wait),
            Operation("GET", "/api/refused", self._list_refused),
            Operation("GET", "/api/gateways", self._list_gateways),
            Operation("GET", "/api/gateways/{kind}/requests", self._list_requests),
            Operation("GET", "/api/gateways/{kind}/faults", self._list_faults),
            Operation("POST", "/api/gateways/{kind}/faults", self._add_faults),
            Operation("DELETE", "/api/gateways/{kind}/faults", self._clear_faults),
            Operation("DELETE", "/api/gateways/{kind}/faults/{id}", self._remove_fault),
            Operation("GET", "/api/events", self._stream_events),
        )

    def _list(self, request: Request, _: Mapping[str, str]) -> Answer:
        asked = Parameters(request, "q", "number", "gateway", "since", "before", "limit")
        mark = self._inbox.mark()
        since = asked.read_integer("since", 0, _HIGHEST_ID)
        before = asked.read_integer("before", _HIGHEST_ID, _HIGHEST_ID)
        limit = asked.read_integer("limit", 100, MOST_LISTED)
        kept = self._inbox.messages(asked.read_number("number"), asked.read_text("gateway"), since)
        found = list(_search(kept, asked.read_text("q")))
        older = [message for message in found if message.id < before]
        newest_first = older[len(older) - min(limit, len(older)) :][::-1]
        messages = [summarise(message) for message in newest_first]
        return answer_json({"messages": messages, "found": len(found), "mark": mark})

    def _show(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        return answer_json(self._find_message(path).as_dict())

    def _clear(self, request: Request, _: Mapping[str, str]) -> Answer:
        Parameters(request)
        self._inbox.clear()
        return Answer(204, b"")

    def _wait(self, request: Request, _: Mapping[str, str]) -> Answer:
        asked = Parameters(request, "number", "gateway", "after", "timeout")
        timeout = asked.read_seconds("timeout", 5.0, LONGEST_WAIT)
        wanted = (
            asked.read_number("number"),
            asked.read_text("gateway"),
            asked.read_integer("after", 0, _HIGHEST_ID),
        )
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                return answer_json(self._inbox.wait(*wanted, timeout=max(0.0, min(left, _SLICE))).as_dict())
            except NoMessage:
                if left <= _SLICE or self._stopping.is_set():
                    raise Problem(404, self._inbox.explanation(*wanted, timeout=timeout)) from None

    def _send_receipt(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        body = read_body(request)
        state = body.get("state", "DELIVRD")
        if state not in STATES or set(body) - {"state"}:
            raise Problem(400, f"The body must be an object with a 'state', one of {', '.join(STATES)}.")
        message = self._find_message(path)
        if message.protocol != "smpp":
            raise Problem(409, f"Message #{message.id} came by {message.protocol}; only SMPP has receipts.")
        ids = list(message.wire["message_ids"])
        centres = [gateway for gateway in self._gateways.values() if isinstance(gateway, Smsc)]
        if not all(any(centre.send_receipt(id_, state) for centre in centres) for id_ in ids):
            raise Problem(409, f"No gateway here knows message #{message.id} any more.")
        return answer_json({"message_ids": ids, "state": state}, 202)

    def _list_gateways(self, request: Request, _: Mapping[str, str]) -> Answer:
        Parameters(request)
        gateways = self._gateways.values()
        tables = {name: table for gateway in gateways for name, table in gateway.configuration().items()}
        return answer_json({"gateways": [_describe(it) for it in gateways], "toml": write_toml(tables)})

    def _list_requests(self, request: Request, path: Mapping[str, str]) -> Answer:
        limit = Parameters(request, "limit").read_integer("limit", 100, MOST_LISTED)
        entries = self._find_gateway(path).requests
        newest_first = entries[len(entries) - min(limit, len(entries)) :][::-1]
        return answer_json({"requests": [entry.as_dict() for entry in newest_first]})

    def _list_refused(self, request: Request, _: Mapping[str, str]) -> Answer:
        limit = Parameters(request, "limit").read_integer("limit", 100, MOST_LISTED)
        refused = [
            entry
            for gateway in self._gateways.values()
            for entry in gateway.requests
            if entry.verdict == "rejected" and entry.reason
        ]
        refused.sort(key=lambda entry: entry.received, reverse=True)
        return answer_json({"refused": [entry.as_dict() for entry in refused[:limit]], "found": len(refused)})

    def _list_faults(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        return answer_json(self._describe_faults(self._find_gateway(path)))

    def _add_faults(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        body = read_body(request)
        gateway = self._find_gateway(path)
        try:
            gateway.faults.add(_read_rule(body))
        except BadFault as bad:
            raise Problem(400, str(bad)) from None
        return answer_json(self._describe_faults(gateway), 201)

    def _clear_faults(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        self._find_gateway(path).faults.clear()
        return Answer(204, b"")

    def _remove_fault(self, request: Request, path: Mapping[str, str]) -> Answer:
        Parameters(request)
        gateway = self._find_gateway(path)
        if not gateway.faults.remove(_read_id(path["id"])):
            raise Problem(404, f"The {gateway.kind} gateway has no fault rule {path['id'][:20]!r}.")
        return Answer(204, b"")

    def _stream_events(self, request: Request, _: Mapping[str, str]) -> EventStream:
        asked = Parameters(request, "since")
        last_seen = request.headers.get("last-event-id", "")
        if _read_id(last_seen):
            return EventStream(self._inbox, list(self._gateways.values()), _read_id(last_seen))
        since = asked.read_integer("since", -1, _HIGHEST_ID)
        return EventStream(self._inbox, list(self._gateways.values()), None if since < 0 else since)

    def _find_message(self, path: Mapping[str, str]) -> ReceivedMessage:
        id_ = _read_id(path["id"])
        found = next(iter(self._inbox.messages(since=id_ - 1)), None) if id_ else None
        if found is None or found.id != id_:
            raise Problem(404, f"The inbox has no message {path['id'][:20]!r}.")
        return found

    def _find_gateway(self, path: Mapping[str, str]) -> Gateway:
        try:
            return self._gateways[path["kind"]]
        except KeyError:
            names = ", ".join(self._gateways) or "none"
            raise Problem(
                404, f"There is no gateway {path['kind'][:20]!r} here; there are: {names}."
            ) from None

    def _describe_faults(self, gateway: Gateway) -> dict[str, Any]:
        return {"faults": list_faults([gateway])[gateway.kind]}


def answer_json(body: Any, status: int = 200) -> Answer:
    """Return an answer that carries JSON."""
    return Answer(status, json.dumps(body).encode(), "application/json")


def _search(messages: Sequence[ReceivedMessage], wanted: str | None) -> Iterator[ReceivedMessage]:
    """Return the messages that hold a text in any spelling, or a part of a number."""
    words = (wanted or "").casefold().strip()
    digits = normalise_number(words).lstrip("+0") if _NUMBER_LIKE.fullmatch(words) else ""
    for message in messages:
        texts = (message.text, message.number, message.written_number, message.code, message.gateway)
        if any(words in text.casefold() for text in texts) or (len(digits) > 2 and digits in message.number):
            yield message


def _describe(gateway: Gateway) -> dict[str, Any]:
    tables = gateway.configuration()
    # The messages of a gateway carry the names under which it is configured; the HTTP gateway has one for each API.
    names = [name.split(".")[1] for name in tables if name.startswith("gateways.")]
    return {
        "kind": gateway.kind,
        "address": gateway.address,
        "names": list(dict.fromkeys(names)),
        "actions": [
            {"action": word, "meaning": action.meaning, "argument": action.argument}
            for word, action in ACTIONS.items()
            if word in gateway.faults.words
        ],
        "stages": list(gateway.faults.stages),
        "faults": list_faults([gateway])[gateway.kind],
        "configuration": tables,
        "toml": write_toml(tables),
    }


def _read_rule(body: Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return rules in the one-line form or a rule as a dictionary, whichever a body holds."""
    if "rule" not in body:
        return body
    if len(body) > 1 or not isinstance(body["rule"], str):
        raise Problem(400, "'rule' must be a text, such as 'throttle 3 times', and stand alone in the body.")
    return body["rule"]


def _read_id(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,16}", text) else 0
