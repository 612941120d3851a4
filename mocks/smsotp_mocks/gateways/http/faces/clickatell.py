"""
Clickatell's classic HTTP API, ``/http/sendmsg``. HTTP API specification 2.5: sections "Send a message", "Error codes".

Every answer has status 200; only the body tells. One number a request.
"""

import re

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.gsm import count_segments, count_ucs2_segments
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission, Trouble
from smsotp_mocks.net.http import Answer, Request, answer_text

_USUAL_PARTS, _MOST_PARTS = 3, 35
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_TROUBLE: dict[Trouble, str] = {
    "throttle": "130, Maximum MT limit exceeded",
    "refuse": "114, Cannot route message",
    "unavailable": "901, Internal error - please retry",
}


class ClickatellFace(Face):
    """
    Parameters ``user``, ``password``, ``api_id``, ``to`` (digits, no ``+``, no ``00``) and ``text``.

    ``unicode=1`` takes hex UCS-2, ``concat`` limits the parts.
    """

    name = "clickatell"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def owns(self, path: str) -> bool:
        return path == "/http/sendmsg"

    def read(self, request: Request) -> Submission:
        given = request.parameters
        accounts = self._accounts
        if (given.get("user"), given.get("password")) != (
            accounts.clickatell_user,
            accounts.clickatell_password,
        ):
            raise _reject("001, Authentication failed")
        if given.get("api_id") != accounts.clickatell_api_id:
            raise _reject("108, Invalid or missing API ID")
        if "to" not in given or "text" not in given:
            raise _reject("101, Invalid or missing parameters")
        if not _NUMBER.fullmatch(given["to"]):
            raise _reject("105, Invalid Destination Address")
        if not given["text"]:
            raise _reject("107, Empty message")
        text = _read_text(given)
        if _count_parts(text, given) > _read_most_parts(given):
            raise _reject("113, Maximum message parts exceeded")
        return Submission(given["to"], text, given.get("from", ""))

    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:  # noqa: ARG002  (says the id only)
        return answer_text(200, f"ID: {message_id}")

    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:  # noqa: ARG002  (says the code only)
        return answer_text(200, f"ERR: {_TROUBLE[kind]}")


def _reject(text: str) -> Rejected:
    return Rejected(answer_text(200, f"ERR: {text}"), text)


def _count_parts(text: str, given: dict[str, str]) -> int:
    return count_ucs2_segments(text) if given.get("unicode") == "1" else count_segments(text)


def _read_most_parts(given: dict[str, str]) -> int:
    """Return how many parts the message may have: as many as ``concat`` allows, or as a new API connection does."""
    concat = given.get("concat", "")
    return min(int(concat), _MOST_PARTS) if concat.isascii() and concat.isdecimal() else _USUAL_PARTS


def _read_text(given: dict[str, str]) -> str:
    if given.get("unicode") != "1":
        return given["text"]
    try:
        return bytes.fromhex(given["text"]).decode("utf-16-be")
    except ValueError:
        raise _reject("116, Invalid unicode data") from None
