"""How a received message looked on the wire, in a few lines for a person to read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from smsotp_mocks.inbox.messages import ReceivedMessage


def describe_wire(message: ReceivedMessage) -> list[str]:
    """Return the request, mail or PDU that brought a message, without what every one of them has."""
    return list(_DESCRIBERS[message.protocol](message.wire))


def _describe_http(wire: Mapping[str, Any]) -> Iterator[str]:
    request = wire["request"]
    yield f"{request['method']} {request['target']} HTTP/1.1"
    for name, value in parse_qsl(urlsplit(request["target"]).query) + parse_qsl(request["body"]):
        yield f"  {name} = {value}"


def _describe_sipgate(wire: Mapping[str, Any]) -> Iterator[str]:
    request = wire["request"]
    yield f"{request['method']} {request['target']} HTTP/1.1"
    for line in request["body"].splitlines():
        yield f"  {line}"


def _describe_smtp(wire: Mapping[str, Any]) -> Iterator[str]:
    yield f"MAIL FROM:<{wire['mail_from']}>"
    for recipient in wire["recipients"]:
        yield f"RCPT TO:<{recipient}>"
    for line in wire["source"].splitlines():
        yield f"  {line}".rstrip()


def _describe_smpp(wire: Mapping[str, Any]) -> Iterator[str]:
    yield f"submit_sm by {wire['system_id']}"
    for part in wire["parts"]:
        for name in ("source_addr", "destination_addr", "validity_period", "data_coding", "short_message"):
            yield f"  {name} = {part[name]}"


_DESCRIBERS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "http": _describe_http,
    "sipgate": _describe_sipgate,
    "smtp": _describe_smtp,
    "smpp": _describe_smpp,
}
