"""
sipgate's XML-RPC API (SAMURAI): ``samurai.SessionInitiate`` and ``samurai.ClientIdentify``.

What is known of the real service: HTTP basic authentication (401), RemoteUri ``sip:DIGITS@sipgate.net`` (or ``.de``) with
neither ``+`` nor ``00``, StatusCode 200 for success, other codes or XML-RPC faults for errors. The codes are those of
SAMURAI's table of status codes. Which error comes in which of the two forms is not documented; here a call that breaks
XML-RPC or the method's signature is a fault, and a message that cannot be sent is a StatusCode.
"""

import re
import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError

from smsotp_mocks.faults.words import Fault
from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission, Trouble
from smsotp_mocks.net.http import Answer, Request, answer_text

_REMOTE_URI = re.compile(r"sip:([^@\s]+)@sipgate\.(?:net|de)")
_E164 = re.compile(r"[1-9][0-9]{6,14}")
_REALM = ("WWW-Authenticate", 'Basic realm="sipgate samurai"')
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_TROUBLE: dict[Trouble, tuple[int, str]] = {
    "throttle": (412, "Too many requests"),
    "refuse": (508, "Not a valid E.164 number"),
    "unavailable": (404, "Resources exceeded"),
}


class SipgateFace(Face):
    """``POST /RPC2`` with an XML-RPC call; every path is good, as the mock has nothing else."""

    name = "sipgate"
    protocol = "sipgate"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def owns(self, path: str) -> bool:  # noqa: ARG002  (the only face of its server)
        return True

    def read(self, request: Request) -> Submission | Answer:
        if request.method != "POST":
            raise Rejected(answer_text(405, "use POST\n", ("Allow", "POST")), "not POST")
        accounts = self._accounts
        if request.basic_auth != (accounts.sipgate_username, accounts.sipgate_password):
            raise Rejected(answer_text(401, "Authorization Required\n", _REALM), "wrong credentials")
        if request.path != "/RPC2":
            raise Rejected(answer_text(404, "Not Found\n"), "the path is not /RPC2")
        if request.content_type != "text/xml":
            raise Rejected(answer_text(415, "Content-Type must be text/xml\n"), "the body is not text/xml")
        method, parameters = _call(request.body)
        if method == "samurai.ClientIdentify":
            return _identify(_read_struct(parameters))
        if method != "samurai.SessionInitiate":
            raise _reject_with_fault(-32601, f"Unknown method: {method}")
        return _read_submission(_read_struct(parameters))

    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:  # noqa: ARG002  (says the id only)
        return _answer_call({"StatusCode": 200, "StatusString": "OK", "SessionID": message_id})

    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:  # noqa: ARG002  (says the code only)
        code, text = _TROUBLE[kind]
        return _answer_call({"StatusCode": code, "StatusString": text})

    def answer_fault(self, fault: Fault) -> Answer:
        return _answer_xml(
            xmlrpc.client.dumps(xmlrpc.client.Fault(fault.code or 0, fault.text or "fault"), encoding="utf-8")
        )


def _call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    if _DOCTYPE.search(body):
        raise _reject_with_fault(-32700, "Parse error: a document type is not allowed")
    try:
        # As bytes: the document says itself what it is written in.
        parameters, method = xmlrpc.client.loads(body)
    except (ExpatError, ValueError, LookupError, TypeError, xmlrpc.client.Error):
        raise _reject_with_fault(-32700, "Parse error: not an XML-RPC call") from None
    if method is None:
        raise _reject_with_fault(-32600, "Invalid request: no method is called")
    return method, parameters


def _read_struct(parameters: tuple[Any, ...]) -> dict[str, Any]:
    if len(parameters) != 1 or not isinstance(parameters[0], dict):
        raise _reject_with_fault(-32602, "Invalid parameters: one struct is expected")
    values: dict[str, Any] = parameters[0]
    return values


def _read_submission(values: dict[str, Any]) -> Submission:
    for name in ("RemoteUri", "TOS", "Content"):
        if not isinstance(values.get(name), str):
            raise _reject_with_fault(-32602, f"Invalid parameters: {name} is missing or no string")
    if values["TOS"] != "text":
        raise _reject_with_status(502, "Unknown type of service")
    found = _REMOTE_URI.fullmatch(values["RemoteUri"])
    if not found:
        raise _reject_with_status(506, "Malformed SIP URI")
    if not _E164.fullmatch(found.group(1)):
        raise _reject_with_status(508, "Not a valid E.164 number")
    if not values["Content"]:
        raise _reject_with_status(407, "Invalid parameter value: Content is empty")
    return Submission(found.group(1), values["Content"], str(values.get("LocalUri", "")))


def _identify(values: dict[str, Any]) -> Answer:
    if not isinstance(values.get("ClientName"), str):
        raise _reject_with_fault(-32602, "Invalid parameters: ClientName is missing or no string")
    return _answer_call({"StatusCode": 200, "StatusString": "OK"})


def _reject_with_fault(code: int, text: str) -> Rejected:
    return Rejected(_answer_xml(xmlrpc.client.dumps(xmlrpc.client.Fault(code, text), encoding="utf-8")), text)


def _reject_with_status(code: int, text: str) -> Rejected:
    return Rejected(_answer_call({"StatusCode": code, "StatusString": text}), f"{code} {text}")


def _answer_call(values: dict[str, Any]) -> Answer:
    return _answer_xml(xmlrpc.client.dumps((values,), methodresponse=True, encoding="utf-8"))


def _answer_xml(document: str) -> Answer:
    return Answer(200, document.encode(), "text/xml; charset=utf-8")
