"""
Twilio's Messages resource, version 2010-04-01.

It answers 201 with XML, or with JSON where the path ends in ``.json``; errors carry a code of their own beside the
status (error dictionary of Twilio).
"""

import json
import re

from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    GatewayUnavailable,
    Refused,
    Throttled,
)
from smsotp_plugin.fields.template import GATEWAY_TAGS
from smsotp_plugin.providers.http.apis.base import HttpApi, leave_as_it_is
from smsotp_plugin.providers.http.parameters import SENTENCE
from smsotp_plugin.providers.judging import Meanings, Reply, clean_id, find_known_error, judge_unknown_form
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import NumberFormat

_PATH = re.compile(r".*/2010-04-01/Accounts/[^/]+/Messages(\.json|\.xml)?/?")
_ELEMENT = re.compile(r"<(Code|Sid|Status|NumSegments|ErrorCode)>([^<]{1,128})</\1>")
_FAILED = ("failed", "undelivered", "canceled")
_MEANINGS: Meanings = {
    "14107": (Throttled, "too many messages"),
    "20003": (AuthFailed, "authentication failed"),
    "20005": (AuthFailed, "the account is not active"),
    "20404": (AuthFailed, "no such account: check URL and USERNAME"),
    "20429": (Throttled, "too many requests"),
    "20503": (GatewayUnavailable, "out of service"),
    "21211": (BadRecipient, "the number (To) is not valid"),
    "21212": (AuthFailed, "the sender (From) is not valid"),
    "21214": (BadRecipient, "the number (To) cannot be reached"),
    "21217": (BadRecipient, "the number (To) is not valid"),
    "21408": (BadRecipient, "SMS to this region are not enabled"),
    "21601": (AuthFailed, "the sender (From) cannot send SMS"),
    "21602": (BadMessage, "the message (Body) is empty"),
    "21603": (AuthFailed, "the sender (From) is missing"),
    "21604": (BadRecipient, "the number (To) is missing"),
    "21606": (AuthFailed, "the sender (From) does not belong to the account"),
    "21608": (BadRecipient, "a trial account sends to verified numbers only"),
    "21610": (BadRecipient, "the recipient has unsubscribed"),
    "21611": (Throttled, "the sender's queue is full"),
    "21612": (BadRecipient, "the number (To) cannot be reached from this sender"),
    "21614": (BadRecipient, "the number (To) is not a mobile number"),
    "21617": (BadMessage, "the message (Body) is too long"),
    "30001": (Throttled, "queue overflow"),
    "30002": (AuthFailed, "the account is suspended"),
    "63038": (Throttled, "the account's daily limit is reached"),
}


def _recognises(_host: str, path: str, _names: frozenset[str]) -> bool:
    return bool(_PATH.fullmatch(path))


def _judge(reply: Reply) -> Receipt | None:
    values = _read_values(reply.text)
    sid, failed = values.get("sid"), values.get("status") in _FAILED
    if reply.status < 300 and sid and not failed:
        segments = values.get("num_segments", "")
        return Receipt(clean_id(sid), int(segments) if segments.isdecimal() else 0)
    code = values.get("code") or values.get("error_code")
    if code:
        known = find_known_error(code, _MEANINGS, reply.retry_after)
        if known is not None:
            raise known
        if reply.status < 300 or reply.status in (400, 404, 422):
            raise Refused(f"the gateway answered with its error {code}")
    if reply.status >= 300:
        return None
    raise Refused("the gateway answered that the message has failed") if sid else judge_unknown_form(reply)


def _read_values(text: str) -> dict[str, str]:
    """Return the few values that matter, under Twilio's JSON names."""
    if text.lstrip().startswith("<"):
        names = {"Code": "code", "ErrorCode": "error_code", "NumSegments": "num_segments"}
        found = reversed(_ELEMENT.findall(text))
        return {names.get(name, name.lower()): value for name, value in found}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: str(value)[:128] for name, value in document.items() if isinstance(value, str | int)}


TWILIO = HttpApi(
    name="twilio",
    url="https://api.twilio.com/2010-04-01/Accounts/{username}/Messages.json",
    method="POST",
    number_format=NumberFormat.PLUS,
    fields={"To": GATEWAY_TAGS.read("{phone}"), "Body": SENTENCE},
    credentials=None,
    required={"From": "your Twilio number, or MessagingServiceSid"},
    recognises=_recognises,
    judge=_judge,
    adapt=leave_as_it_is,
)
