"""
GTX-Messaging's HTTP API, ``/smsc.php``, parameters as on the API's public page.

Of its answers only ``200 OK`` is known for sure; the texts of the errors are made in its likeness.
"""

import re

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission, Trouble
from smsotp_mocks.net.http import Answer, Request, answer_text

_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_TROUBLE: dict[Trouble, tuple[int, str]] = {
    "throttle": (429, "Too Many Requests"),
    "refuse": (403, "Destination not allowed"),
    "unavailable": (503, "Service Unavailable"),
}


class GtxFace(Face):
    """
    Parameters ``user``, ``pass``, ``to`` (international, digits only) and ``text``.

    Text beyond one byte a character needs ``t=UNICODE`` or ``coding=ucs2``; without it each UTF-8 byte arrives as a
    character of its own, so that the mistake can be seen in the inbox.
    """

    name = "gtx"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def owns(self, path: str) -> bool:
        return path == "/smsc.php"

    def read(self, request: Request) -> Submission:
        given = request.parameters
        for name in ("user", "pass"):
            if not given.get(name):
                raise _reject(400, f"Missing parameter {name}")
        if (given["user"], given["pass"]) != (self._accounts.gtx_user, self._accounts.gtx_password):
            raise _reject(401, "Authorization failed")
        for name in ("to", "text"):
            if not given.get(name):
                raise _reject(400, f"Missing parameter {name}")
        if not _NUMBER.fullmatch(given["to"]):
            raise _reject(400, "Invalid recipient")
        is_unicode = given.get("t", "TEXT").upper() == "UNICODE" or given.get("coding", "").lower() == "ucs2"
        text = given["text"] if is_unicode else given["text"].encode().decode("latin-1")
        return Submission(given["to"], text, given.get("from", ""))

    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:  # noqa: ARG002  (says the id only)
        return answer_text(200, f"200 OK {message_id}\n")

    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:  # noqa: ARG002  (says the code only)
        status, text = _TROUBLE[kind]
        return answer_text(status, f"{status} {text}\n")


def _reject(status: int, text: str) -> Rejected:
    return Rejected(answer_text(status, f"{status} {text}\n"), text)
