"""
Which message a delivery receipt belongs to.

SMSCs spell an id in hex in submit_sm_resp and in decimal in the receipt, or the other way round, with and without
leading zeros; a long message has an id for each of its parts. Kept in memory only: a receipt for a message of an
earlier process is passed on with its own spelling.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from smsotp_plugin.wire.smpp.deliver_sm import NetworkReceipt

#: Messages whose receipts are waited for at the same time; the oldest are forgotten. About 30 MB at most.
_MOST_EXPECTED: Final = 100_000
#: So many last digits of two numbers tell whether they are the same, however their beginnings are written.
_TELLING_DIGITS: Final = 7


@dataclass(slots=True)
class Expected:
    """
    One message whose parts' receipts are waited for.

    Attributes:
        number: Digits of the recipient. Never shown.
        open_parts: How many parts are not yet known to be delivered.
        gateway_id: The id of its first part, as the SMSC gave it.
    """

    number: str = field(repr=False)
    open_parts: int
    gateway_id: str = ""


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

    def expect(self, expected: Expected, message_id: str) -> None:
        """Note the id of a part that the SMSC has taken."""
        if not message_id:
            return
        with self._lock:
            expected.gateway_id = expected.gateway_id or message_id
            self._expected[_plain(message_id)] = expected
            if len(self._expected) > self._most:
                self._expected.popitem(last=False)

    def match(self, receipt: NetworkReceipt) -> Matched | None:
        """
        Find the message of a receipt.

        Returns:
            What is to be told, or None while other parts of a long message are still on their way.
        """
        with self._lock:
            key = self._key(receipt)
            if key is None:
                return Matched(receipt.message_id, receipt.status, receipt.detail)
            expected = self._expected[key]
            if receipt.status != "accepted":
                del self._expected[key]
            if receipt.status == "delivered":
                expected.open_parts -= 1
                if expected.open_parts:
                    return None
            return Matched(expected.gateway_id, receipt.status, receipt.detail)

    def _key(self, receipt: NetworkReceipt) -> str | None:
        found = [key for key in _spellings(receipt.message_id) if key in self._expected]
        for key in found:
            if _same_number(self._expected[key].number, receipt.numbers):
                return key
        return found[0] if found else None


def _plain(message_id: str) -> str:
    return message_id.lower().lstrip("0") or "0"


def _spellings(message_id: str) -> list[str]:
    """Return the id as it stands, then a decimal one in hex, then a hex one in decimal."""
    plain = _plain(message_id)
    spellings = [plain]
    if plain.isdecimal():
        spellings.append(f"{int(plain):x}")
    if all(character in "0123456789abcdef" for character in plain):
        spellings.append(str(int(plain, 16)))
    return spellings


def _same_number(number: str, others: tuple[str, str]) -> bool:
    end = number[-_TELLING_DIGITS:]
    return any(other.endswith(end) for other in others)
