"""
GTX-Messaging's HTTP API, ``/smsc.php``.

Success is the text ``200 OK``; of its errors it is only known that they begin with a status. Text that is not plain
ASCII must be announced with ``t=UNICODE``.
"""

import re
from typing import Any

from smsotp_plugin.fields.template import GATEWAY_TAGS
from smsotp_plugin.providers.http.apis.base import HttpApi
from smsotp_plugin.providers.http.parameters import SENTENCE
from smsotp_plugin.providers.judging import Reply, clean_id, judge_unknown_form
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import NumberFormat

_ACCEPTED = re.compile(r"(?<![0-9])200 OK\b[ \t]*([\w.:-]{0,128})", re.ASCII)
_ERROR = re.compile(r"\s*([345][0-9]{2})\b", re.ASCII)


def _recognises(host: str, path: str, names: frozenset[str]) -> bool:
    return host == "http.gtx-messaging.net" or (path.endswith("/smsc.php") and {"user", "pass"} <= names)


def _judge(reply: Reply) -> Receipt | None:
    if reply.status >= 300:
        return None
    if found := _ERROR.match(reply.text):
        raise reply.error(int(found[1]))
    if found := _ACCEPTED.search(reply.text):
        return Receipt(clean_id(found[1]))
    raise judge_unknown_form(reply)


def _adapt(fields: dict[str, Any]) -> None:
    if not str(fields.get("text", "")).isascii() and "coding" not in fields:
        fields.setdefault("t", "UNICODE")


GTX = HttpApi(
    name="gtx",
    url="https://http.gtx-messaging.net/smsc.php",
    method="GET",
    number_format=NumberFormat.DIGITS,
    fields={"to": GATEWAY_TAGS.read("{phone}"), "text": SENTENCE},
    credentials=("user", "pass"),
    required={},
    recognises=_recognises,
    judge=_judge,
    adapt=_adapt,
)
