"""
Numbers that make a mock gateway misbehave without any call: +49 1555 0100 001 and the ones after it.

They are possible German mobile numbers, so that every check of a number's form lets them through. The other
numbers of the block (+49 1555 0100 100 and above) are well served.
"""

from smsotp_mocks.faults.words import Fault

PREFIX = "+4915550100"

MAGIC: dict[str, Fault] = {
    PREFIX + "001": Fault("hang"),
    PREFIX + "002": Fault("mute"),
    PREFIX + "003": Fault("reset-before"),
    PREFIX + "004": Fault("reset-after"),
    PREFIX + "005": Fault("half"),
    PREFIX + "006": Fault("garbage"),
    PREFIX + "007": Fault("lose"),
    PREFIX + "008": Fault("duplicate"),
    PREFIX + "009": Fault("throttle"),
    PREFIX + "010": Fault("refuse"),
    PREFIX + "011": Fault("unavailable"),
    PREFIX + "012": Fault("delay", seconds=2.0),
}


def find_magic_fault(number: str) -> Fault | None:
    """Return what a number in the inbox's form triggers, or None."""
    return MAGIC.get(number)
