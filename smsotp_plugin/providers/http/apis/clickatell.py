"""
Clickatell's classic HTTP API, ``/http/sendmsg`` (HTTP API Specification 2.5).

Errors come with status 200 and the body ``ERR: 105, Invalid Destination Address``; success is ``ID: ...``. The text
``ID`` alone is found in several errors, so the body must begin with ``ID:``.
"""

import re
from typing import Any

from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    CreditExhausted,
    GatewayUnavailable,
    Refused,
    Throttled,
)
from smsotp_plugin.fields.template import GATEWAY_TAGS
from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.parameters import SENTENCE
from smsotp_plugin.providers.judging import Meanings, Reply, clean_id, find_known_error, judge_unknown_form
from smsotp_plugin.sms.gsm7 import fits_gsm7
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import NumberFormat
from smsotp_plugin.sms.segments import Coding, plan_segments

_ACCEPTED = re.compile(r"\s*ID:[ \t]*(\S{1,128})")
_ERROR = re.compile(r"\s*ERR:\s*(\d{1,4})")
_MEANINGS: Meanings = {
    "001": (AuthFailed, "authentication failed"),
    "002": (AuthFailed, "unknown user name or password"),
    "003": (AuthFailed, "session expired"),
    "004": (AuthFailed, "account frozen"),
    "005": (AuthFailed, "missing session"),
    "007": (AuthFailed, "this address may not use the account (IP lockdown)"),
    "100": (BadMessage, "malformed data"),
    "101": (BadMessage, "invalid or missing parameters"),
    "102": (BadMessage, "invalid user data header"),
    "105": (BadRecipient, "invalid destination address"),
    "106": (AuthFailed, "the sender (from) is not registered"),
    "107": (BadMessage, "empty message"),
    "108": (AuthFailed, "invalid or missing api_id"),
    "113": (BadMessage, "too many parts"),
    "114": (BadRecipient, "no route to this number"),
    "116": (BadMessage, "invalid unicode data"),
    "121": (BadRecipient, "the number is blocked"),
    "122": (BadRecipient, "the number has opted out"),
    "123": (AuthFailed, "the sender (from) is not registered"),
    "128": (BadRecipient, "the number is delisted"),
    "130": (Throttled, "too many messages"),
    "301": (CreditExhausted, "no credit left"),
    "302": (CreditExhausted, "the allowed credit is used up"),
    "901": (GatewayUnavailable, "internal error, try again"),
}
#: The API joins parts only when it is told how many there may be, and takes no more than these.
_MOST_PARTS = 35


def _recognises(host: str, path: str, names: frozenset[str]) -> bool:
    return host == "api.clickatell.com" or (path.endswith("/http/sendmsg") and "api_id" in names)


def _judge(reply: Reply) -> Receipt | None:
    if found := _ACCEPTED.match(reply.text):
        return Receipt(clean_id(found[1])) if reply.status < 300 else None
    if found := _ERROR.match(reply.text):
        code = found[1].zfill(3)
        raise find_known_error(code, _MEANINGS, reply.retry_after) or Refused(
            f"the gateway answered with its error {code}"
        )
    if reply.status < 300:
        raise judge_unknown_form(reply)
    return None


def _adapt(fields: dict[str, Any]) -> None:
    text = fields.get("text")
    if not isinstance(text, str):
        return
    # What is beyond ASCII, or ASCII beyond the GSM alphabet (the grave accent), is not promised to arrive otherwise.
    plain = (text.isascii() and fits_gsm7(text)) or "unicode" in fields
    coding = Coding.GSM7 if plain and fits_gsm7(text) else Coding.UCS2
    parts = plan_segments(text, coding).count
    if parts > 1:
        fields.setdefault("concat", str(min(parts, _MOST_PARTS)))
    if not plain:
        fields |= {"unicode": "1", "text": text.encode("utf-16-be").hex()}


CLICKATELL = HttpApi(
    name="clickatell",
    url="https://api.clickatell.com/http/sendmsg",
    method="GET",
    number_format=NumberFormat.DIGITS,
    fields={"to": GATEWAY_TAGS.read("{phone}"), "text": SENTENCE},
    credentials=("user", "password"),
    required={"api_id": "the id of the HTTP API in your Clickatell account"},
    recognises=_recognises,
    judge=_judge,
    adapt=_adapt,
    error_words=(
        "ERR: 001, Authentication failed",
        "ERR: 003, Session ID expired",
        "ERR: 005, Missing session ID",
        "ERR: 105, Invalid Destination Address",
        "ERR: 108, Invalid or missing API ID",
    ),
)
