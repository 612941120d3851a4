"""
Which message a delivery receipt belongs to.

SMSCs spell an id in hex in submit_sm_resp and in decimal in the receipt, or the other way round, with and without
leading zeros or a `0x`, and a UUID with and without its hyphens; a long message has an id for each of its parts. Kept in
memory only: a receipt for a message of an earlier process is passed on with its own spelling.
"""

import re
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Final

from smsotp_plugin.wire.smpp.deliver_sm import NetworkReceipt

#: Messages whose receipts are waited for at the same time; the oldest are forgotten. About 30 MB at most.
_MOST_EXPECTED: Final = 100_000
#: Ids whose receipts have come, which SMSCs repeat where our answer got lost. About 5 MB at most.
_MOST_SETTLED: Final = 10_000
#: Receipts of one message that are kept while it has no answer: more than a text has parts.
_MOST_EARLY: Final = 255
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How many last digits tell whether two numbers are the same, however their beginnings are written.
_TELLING_DIGITS: Final = 7


@dataclass(eq=False, slots=True)
class Expected:
    """
    One message whose parts' receipts are waited for.

    Attributes:
        number: Digits of the recipient. Never shown.
        parts: How many there are.
        open_parts: How many of them are not yet known to be delivered.
        gateway_id: The id of its first part, as the SMSC gave it.
        ids: How many parts wait for a receipt under each id: an SMSC may give all parts the same one.
    """

    number: str = field(repr=False)
    parts: int
    open_parts: int = field(init=False)
    gateway_id: str = ""
    ids: Counter[str] = field(default_factory=Counter, repr=False)

    def __post_init__(self) -> None:
        self.open_parts = self.parts


@dataclass(eq=False, slots=True)
class _Submitting:
    """
    What is being submitted to numbers of one ending.

    Attributes:
        messages: How many messages.
        early: Receipts that came while parts had no answer yet, and belong to no known id.
    """

    messages: int = 0
    early: list[NetworkReceipt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Matched:
    """
    A receipt with the message that it belongs to.

    Attributes:
        gateway_id: As the SMSC gave it when it took the message.
        status: As in `NetworkReceipt`; ``delivered`` once all parts are.
        detail: As in `NetworkReceipt`.
    """

    gateway_id: str
    status: str
    detail: str


class ReceiptBook:
    """The messages that wait for receipts, by id. Thread-safe."""

    def __init__(self, most: int = _MOST_EXPECTED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._expected: OrderedDict[str, Expected] = OrderedDict()
        #: The newest ids for which no further receipt is waited for.
        self._settled: OrderedDict[str, Expected] = OrderedDict()
        #: Messages that are being submitted, by the last digits of their numbers.
        self._submitting: dict[str, _Submitting] = {}

    def begin(self, expected: Expected) -> None:
        """Note that the parts of a message are about to be submitted: a receipt may come before its answer."""
        with self._lock:
            self._submitting.setdefault(_end(expected.number), _Submitting()).messages += 1

    def expect(self, expected: Expected, message_id: str) -> list[Matched]:
        """
        Note the id of a part that the SMSC has taken.

        Returns:
            What its receipt, which came before, has to tell.
        """
        if not message_id:
            return []
        with self._lock:
            expected.gateway_id = expected.gateway_id or message_id
            expected.ids[_simplify(message_id)] += 1
            self._expected[_simplify(message_id)] = expected
            self._settled.pop(_simplify(message_id), None)
            if len(self._expected) > self._most:
                self._expected.popitem(last=False)
            return self._match_early(expected)

    def finish(self, expected: Expected) -> list[Matched]:
        """
        Note that all parts have their answers.

        Returns:
            What is to be told of receipts that belonged to no message, once none is on its way that could be theirs.
        """
        with self._lock:
            group = self._submitting[_end(expected.number)]
            group.messages -= 1
            if group.messages:
                return []
            del self._submitting[_end(expected.number)]
            return [matched for receipt in group.early if (matched := self._match_rest(receipt)) is not None]

    def match(self, receipt: NetworkReceipt) -> Matched | None:
        """
        Find the message of a receipt.

        Returns:
            What is to be told, or None: other parts of a long message are still on their way, or an answer that may
            hold its id is (then `expect` or `finish` tells it), or it repeats what was told of one part of many.
        """
        with self._lock:
            key = self._make_key(receipt)
            if key is not None:
                return self._settle(key, receipt)
            ends = (_end(number) for number in receipt.numbers)
            group = next((self._submitting[end] for end in ends if end in self._submitting), None)
            if group is None or len(group.early) >= _MOST_EARLY:
                return self._match_rest(receipt)
            group.early.append(receipt)
            return None

    def _match_early(self, expected: Expected) -> list[Matched]:
        group = self._submitting.get(_end(expected.number))
        if group is None:
            return []
        told = []
        early, group.early = group.early, []
        for receipt in early:
            if (key := self._make_key(receipt)) is None:
                group.early.append(receipt)
            elif (matched := self._settle(key, receipt)) is not None:
                told.append(matched)
        return told

    def _settle(self, key: str, receipt: NetworkReceipt) -> Matched | None:
        expected = self._expected[key]
        if receipt.status != "accepted":
            expected.ids[key] -= 1
            if not expected.ids[key]:
                self._settled[key] = self._expected.pop(key)
                if len(self._settled) > _MOST_SETTLED:
                    self._settled.popitem(last=False)
        if receipt.status == "delivered":
            expected.open_parts -= 1
            if expected.open_parts:
                return None
        return Matched(expected.gateway_id, receipt.status, receipt.detail)

    def _make_key(self, receipt: NetworkReceipt) -> str | None:
        found = [key for key in _list_spellings(receipt.message_id) if key in self._expected]
        for key in found:
            if _is_same_number(self._expected[key].number, receipt.numbers):
                return key
        return found[0] if found else None

    def _match_rest(self, receipt: NetworkReceipt) -> Matched | None:
        """Match what nobody waits for: a repeated receipt, or one of an earlier process."""
        found = (self._settled.get(key) for key in _list_spellings(receipt.message_id))
        settled = next(
            (each for each in found if each and _is_same_number(each.number, receipt.numbers)), None
        )
        return _match_as_it_stands(receipt) if settled is None else _match_again(settled, receipt)


def _match_again(expected: Expected, receipt: NetworkReceipt) -> Matched | None:
    """Tell a further receipt for the same id, but not that a part arrived, which says nothing of the others."""
    if receipt.status == "delivered" and expected.parts > 1:
        return None
    return Matched(expected.gateway_id, receipt.status, receipt.detail)


def _match_as_it_stands(receipt: NetworkReceipt) -> Matched:
    """Tell a receipt with its own id, unless that holds a number: nobody else can know that it does."""
    digits = "".join(filter(str.isdecimal, receipt.message_id))
    held = any(len(number) >= _TELLING_DIGITS and _end(number) in digits for number in receipt.numbers)
    return Matched("" if held else receipt.message_id, receipt.status, receipt.detail)


def _end(number: str) -> str:
    return number[-_TELLING_DIGITS:]


def _simplify(message_id: str) -> str:
    plain = message_id.lower().removeprefix("0x")
    if _UUID.fullmatch(plain):
        # Of other ids the hyphens count: 10-11 and 101-1 are two messages.
        plain = plain.replace("-", "")
    return plain.lstrip("0") or "0"


def _list_spellings(message_id: str) -> list[str]:
    """Return the id as it stands, then a decimal one in hex, then a hex one in decimal."""
    plain = _simplify(message_id)
    spellings = [plain]
    if plain.isdecimal():
        spellings.append(f"{int(plain):x}")
    if all(character in "0123456789abcdef" for character in plain):
        spellings.append(str(int(plain, 16)))
    return spellings


def _is_same_number(number: str, others: tuple[str, str]) -> bool:
    return any(other.endswith(_end(number)) for other in others)
