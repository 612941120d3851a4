"""The plain face: any GET or POST request in which a number and a text can be found. No real gateway; a catch-all."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.faces.base import Face, Rejected, Submission, Trouble
from smsotp_mocks.inbox.well_formed import make_well_formed
from smsotp_mocks.net.http import Answer, Request, answer_text

NUMBER_NAMES = [
    "phone",
    "number",
    "to",
    "msisdn",
    "recipient",
    "recipients",
    "mobile",
    "destination",
    "dest",
    "dst",
    "phonenumber",
    "phone_number",
    "tel",
    "receiver",
    "da",
]
TEXT_NAMES = ["text", "message", "msg", "body", "sms", "content", "otp", "smstext", "sms_text", "hex-content"]
_DEEPEST = 20
_ONE = "the mock takes one message for each request"
#: Between two numbers; none of this stands in one.
_SEVERAL = re.compile(r"[0-9]\s*(?:[,;|\r\n]\s*[+0-9(]|[^0-9+]*\+)")
#: More than the longest number has, with what is dialled before it.
_MOST_DIGITS = 18
_NUMBER = re.compile(r"[0-9 ()/+.-]+")
#: What some write behind the name of a list.
_LIST = re.compile(r"\[[0-9]*\]$")


class PlainFace(Face):
    """Takes what looks like an SMS, under the parameter names that gateways commonly use, in any case."""

    name = "http"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def owns(self, path: str) -> bool:  # noqa: ARG002  (every path is good enough for the catch-all)
        return True

    def read(self, request: Request) -> Submission:
        if request.method not in ("GET", "POST"):
            raise Rejected(
                answer_text(405, "use GET or POST\n", ("Allow", "GET, POST")), "neither GET nor POST"
            )
        self._check_account(request)
        fields = {_LIST.sub("", name.lower()): value for name, value in _list_fields(request)}
        numbers = {name: fields[name] for name in NUMBER_NAMES if fields.get(name)}
        number = next(iter(numbers.values()), "")
        text = next((fields[name] for name in TEXT_NAMES if name in fields), None)
        if not any(character.isdigit() for character in number):
            raise _reject(f"no phone number found; {_name_place(request, NUMBER_NAMES)}")
        named = {name: digits for name, value in numbers.items() if (digits := _read_digits(value))}
        shortest = min(named.values(), key=len, default="")
        if not all(digits.endswith(shortest) for digits in named.values()):
            raise _reject(f"{' and '.join(named)} hold different phone numbers: {_ONE}")
        if _SEVERAL.search(number) or sum(map(str.isdecimal, number)) > _MOST_DIGITS:
            raise _reject(f"more than one phone number: {_ONE}")
        if text is None:
            raise _reject(f"no text found; {_name_place(request, TEXT_NAMES)}")
        return Submission(number, text, make_well_formed(fields.get("from", "")))

    def answer_accepted(self, request: Request, submission: Submission, message_id: str) -> Answer:  # noqa: ARG002  (one answer for all)
        return answer_text(200, f"OK {message_id}\n")

    def answer_trouble(self, kind: Trouble, request: Request, submission: Submission) -> Answer:  # noqa: ARG002  (one answer for all)
        if kind == "throttle":
            return answer_text(429, "ERROR too many messages\n", ("Retry-After", "1"))
        if kind == "refuse":
            return answer_text(400, "ERROR this number cannot be reached\n")
        return answer_text(503, "ERROR out of order, try again later\n")

    def _check_account(self, request: Request) -> None:
        accounts = self._accounts
        if accounts.plain_username is None:
            return
        if request.basic_auth != (accounts.plain_username, accounts.plain_password):
            challenge = ("WWW-Authenticate", 'Basic realm="smsotp mocks"')
            raise Rejected(
                answer_text(401, "ERROR wrong user name or password\n", challenge), "wrong credentials"
            )


def _read_digits(value: str) -> str:
    """Return the digits of a number, without what may stand before its country or area code; nothing of a name."""
    return "".join(filter(str.isdigit, value)).lstrip("0") if _NUMBER.fullmatch(value) else ""


def _name_place(request: Request, names: list[str]) -> str:
    """Say where something is looked for, and why the body of this request is not such a place."""
    looked = f"it is looked for under: {', '.join(names)}"
    if request.content_type.endswith("json"):
        return looked
    if request.body.lstrip().startswith((b"{", b"[")):
        return f"{looked}; the body looks like JSON, which needs Content-Type: application/json"
    if not request.body or request.form:
        return looked
    named = f"Content-Type {request.content_type[:60]!r}" if request.content_type else "no Content-Type"
    return f"{looked}; the body has {named} and is not read: a form or JSON is"


def _reject(reason: str) -> Rejected:
    return Rejected(answer_text(400, f"ERROR {reason}\n"), reason)


def _list_fields(request: Request) -> Iterator[tuple[str, str]]:
    pairs = (*request.query_pairs, *request.form_pairs)
    _demand_one_of_each(pairs)
    yield from pairs
    if request.content_type.endswith("json"):
        try:
            yield from _leaves("", request.read_json(_read_object), _DEEPEST)
        except ValueError:
            raise _reject("the body says that it is JSON, and is not") from None


def _demand_one_of_each(pairs: Iterable[tuple[str, Any]]) -> None:
    seen: dict[str, Any] = {}
    for written, value in pairs:
        name = _LIST.sub("", written.lower())
        if name in (*NUMBER_NAMES, *TEXT_NAMES) and seen.setdefault(name, value) != value:
            raise _reject(f"{written!r} came more than once: {_ONE}")


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _demand_one_of_each(pairs)
    return dict(pairs)


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(key, inner, depth - 1)
    elif isinstance(value, list):
        if len(value) > 1 and name.lower() in NUMBER_NAMES:
            raise _reject(f"{name!r} has {len(value)} numbers: {_ONE}")
        if len(value) > 1 and any(isinstance(inner, dict) for inner in value):
            raise _reject(f"{name!r} has {len(value)} messages: {_ONE}")
        if len(value) > 1 and name.lower() in TEXT_NAMES:
            raise _reject(f"{name!r} has {len(value)} texts: {_ONE}")
        for inner in value[:1]:
            yield from _leaves(name, inner, depth - 1)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield name, str(value)
