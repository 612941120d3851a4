"""
Twilio's Messages resource, ``/2010-04-01/Accounts/{sid}/Messages`` (XML, also ``.xml``) and ``.json``.

See Twilio's "Messages resource" reference and its error dictionary.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.gsm import count_segments
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission, Trouble
from smsotp_mocks.net.http import Answer, Request

_PATH = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages(\.json|\.xml)?")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
# A number with "+", a short code, or an alphanumeric sender of at most 11 characters with a letter in it.
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_LONGEST = 1600
_REALM = ("WWW-Authenticate", 'Basic realm="Twilio API"')


class TwilioFace(Face):
    """Basic authentication with account SID and token; form parameters ``To`` (with ``+``), ``From`` and ``Body``."""

    name = "twilio"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def owns(self, path: str) -> bool:
        return path.startswith("/2010-04-01/")

    def read(self, request: Request) -> Submission:
        accounts = self._accounts
        if request.basic_auth != (accounts.twilio_sid, accounts.twilio_token):
            raise _reject(request, 401, 20003, "Authenticate", _REALM)
        path = _PATH.fullmatch(request.path)
        if not path or path.group(1) != accounts.twilio_sid:
            raise _reject(request, 404, 20404, f"The requested resource {request.path} was not found")
        if request.method != "POST":
            raise _reject(request, 405, 20004, "Method not allowed")
        form = request.form
        if not form.get("To"):
            raise _reject(request, 400, 21604, "A 'To' phone number is required.")
        if not _NUMBER.fullmatch(form["To"]):
            raise _reject(request, 400, 21211, f"The 'To' number {form['To']} is not a valid phone number.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            raise _reject(request, 400, 21603, "A 'From' phone number is required.")
        if form.get("From") and not _SENDER.fullmatch(form["From"]):
            text = f"The 'From' number {form['From']} is not a valid phone number, shortcode, or alphanumeric sender ID."
            raise _reject(request, 400, 21212, text)
        if not form.get("Body"):
            raise _reject(request, 400, 21602, "Message body is required.")
        if len(form["Body"]) > _LONGEST:
            raise _reject(
                request, 400, 21617, "The concatenated message body exceeds the 1600 character limit."
            )
        return Submission(form["To"], form["Body"], form.get("From", ""))

    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:
        return _answer(request, 201, "Message", self._describe_message(request, submission, message_id))

    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:
        if kind == "throttle":
            return _answer_problem(request, 429, 20429, "Too Many Requests", ("Retry-After", "1"))
        if kind == "refuse":
            return _answer_problem(
                request,
                400,
                21610,
                f"The message From/To pair violates a blacklist rule: {submission.number}",
            )
        return _answer_problem(request, 503, 20503, "Service is unavailable. Please try again.")

    def _describe_message(self, request: Request, submission: Submission, message_id: str) -> dict[str, Any]:
        account = self._accounts.twilio_sid
        now = format_datetime(datetime.now(tz=UTC))
        uri = f"/2010-04-01/Accounts/{account}/Messages/SM{message_id}"
        return {
            "sid": f"SM{message_id}",
            "date_created": now,
            "date_updated": now,
            "date_sent": None,
            "account_sid": account,
            "to": submission.number,
            "from": submission.sender or None,
            "messaging_service_sid": request.form.get("MessagingServiceSid"),
            "body": submission.text,
            "status": "queued",
            "num_segments": str(count_segments(submission.text)),
            "num_media": "0",
            "direction": "outbound-api",
            "api_version": "2010-04-01",
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "uri": f"{uri}.json" if _wants_json(request) else uri,
            "subresource_uris": {"media": f"{uri}/Media.json" if _wants_json(request) else f"{uri}/Media"},
        }


def _wants_json(request: Request) -> bool:
    return request.path.endswith(".json")


def _answer(
    request: Request, status: int, element: str, values: Mapping[str, Any], *headers: tuple[str, str]
) -> Answer:
    if _wants_json(request):
        return Answer(status, json.dumps(values).encode(), "application/json", headers)
    document = f"<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><{element}>{_write_xml(values)}</{element}></TwilioResponse>"
    return Answer(status, document.encode(), "application/xml", headers)


def _write_xml(values: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for name, value in values.items():
        tag = "".join(word.capitalize() for word in name.split("_"))
        inner = (
            _write_xml(value) if isinstance(value, Mapping) else escape("" if value is None else str(value))
        )
        parts.append(f"<{tag}>{inner}</{tag}>" if inner else f"<{tag}/>")
    return "".join(parts)


def _answer_problem(request: Request, status: int, code: int, text: str, *headers: tuple[str, str]) -> Answer:
    values = {
        "code": code,
        "message": text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return _answer(request, status, "RestException", values, *headers)


def _reject(request: Request, status: int, code: int, text: str, *headers: tuple[str, str]) -> Rejected:
    return Rejected(_answer_problem(request, status, code, text, *headers), f"{code} {text}")
