"""Texts as parts of SMPP messages, validity periods, pacing, pauses and statuses."""

from random import Random

import pytest

from smsotp_plugin.clock import Deadline
from smsotp_plugin.errors import (
    AuthFailed,
    BadMessage,
    BadRecipient,
    ConnectFailed,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    Throttled,
)
from smsotp_plugin.providers.smpp.parts import PartMaker, pack_validity_period
from smsotp_plugin.wire.smpp.outage import Outage
from smsotp_plugin.wire.smpp.pacing import Pacer
from smsotp_plugin.wire.smpp.pdu import Part
from smsotp_plugin.wire.smpp.status import bind_failure, submit_failure
from smsotp_plugin.wire.smpp.times import LinkTimes
from tests.support.clock import FakeClock, Waits

NUMBER = "491701234567"


class NoJitter(Random):
    """Chance that never shortens a pause."""

    def random(self) -> float:
        return 0.0


def make(text: str, data_coding: int = 0) -> list[Part]:
    return PartMaker(data_coding, Random(1)).make(text, NUMBER)


@pytest.mark.parametrize(
    ("data_coding", "text", "expected"),
    [
        (0, "a€", Part(0, b"", b"a\x1b\x65")),
        (0, "я", Part(8, b"", b"\x04\x4f")),
        (0, "`", Part(8, b"", b"\0`")),
        (16, "a@", Part(16, b"", b"a\0")),
        (16, "я", Part(0x18, b"", b"\x04\x4f")),
        (0x11, "я", Part(0x19, b"", b"\x04\x4f")),
        (0x18, "a", Part(0x18, b"", b"\0a")),
        (0xF0, "a@", Part(0xF0, b"", b"a\0")),
        (0xF0, "я", Part(0x18, b"", b"\x04\x4f")),
        (0xF2, "я", Part(0x1A, b"", b"\x04\x4f")),
        (0xD8, "я", Part(0xE8, b"", b"\x04\x4f")),
        (0xC8, "я", Part(8, b"", b"\x04\x4f")),
        (1, "a@", Part(1, b"", b"a@")),
        (1, "ä", Part(8, b"", b"\0\xe4")),
        (3, "ä@", Part(3, b"", b"\xe4@")),
        (3, "€", Part(8, b"", b"\x20\xac")),
        (8, "a", Part(8, b"", b"\0a")),
    ],
)
def test_data_coding_says_what_the_bytes_are(data_coding: int, text: str, expected: Part) -> None:
    assert make(text, data_coding) == [expected]


def test_the_parts_of_a_long_text_share_a_reference_and_are_numbered() -> None:
    headers = [part.header for part in make("a" * 320)]

    assert [(header[:3], header[4:]) for header in headers] == [
        (b"\x05\x00\x03", b"\x03\x01"),
        (b"\x05\x00\x03", b"\x03\x02"),
        (b"\x05\x00\x03", b"\x03\x03"),
    ]
    assert len({header[3] for header in headers}) == 1


def test_the_next_long_text_to_a_number_has_the_next_reference() -> None:
    maker = PartMaker(0, Random(1))
    first, second, third = (maker.make("a" * 161, NUMBER)[0].header[3] for _ in range(3))

    assert (second, third) == ((first + 1) % 256, (first + 2) % 256)


def test_256_long_texts_to_one_number_have_different_references() -> None:
    maker = PartMaker(0, Random(1))

    references = {maker.make("a" * 161, NUMBER)[0].header[3] for _ in range(256)}

    assert references == set(range(256))


@pytest.mark.parametrize(
    ("form", "life", "expected"),
    [
        ("relative", 300, b"000000000500000R"),
        ("relative", 300.2, b"000000000501000R"),
        ("relative", 5, b"000000000100000R"),
        ("relative", -5, b"000000000100000R"),
        ("relative", 3 * 86400 + 3 * 3600 + 62, b"000003030102000R"),
        ("absolute", 300, b"700101000500000+"),
        ("none", 300, b""),
    ],
)
def test_the_validity_period_is_the_life_of_the_code(form: str, life: float, expected: bytes) -> None:
    assert pack_validity_period(form, now=0, expires=life) == expected  # type: ignore[arg-type]


def test_a_month_cannot_be_said_in_relative_form() -> None:
    with pytest.raises(BadMessage):
        pack_validity_period("relative", now=0, expires=31 * 86400)


def test_a_pacer_spreads_messages_evenly() -> None:
    clock = FakeClock(waits=Waits.TAKING_TIME)
    pacer = Pacer(4, clock)

    moments = []
    for _ in range(3):
        pacer.take(Deadline.after(10, clock))
        moments.append(clock.monotonic())

    assert moments == [1000.0, 1000.25, 1000.5]


def test_a_pacer_refuses_what_comes_too_late_and_keeps_its_place_free() -> None:
    clock = FakeClock(waits=Waits.TAKING_TIME)
    pacer = Pacer(1, clock)
    pacer.take(Deadline.after(0.5, clock))

    with pytest.raises(Throttled) as caught:
        pacer.take(Deadline.after(0.5, clock))

    assert caught.value.retry_after == 1.0
    pacer.take(Deadline.after(1, clock))
    assert clock.monotonic() == 1001.0


def test_no_limit_is_no_wait() -> None:
    clock = FakeClock(waits=Waits.TAKING_TIME)

    Pacer(0, clock).take(Deadline.after(0, clock))

    assert clock.monotonic() == 1000.0


def pauses(outage: Outage, count: int, *, lived: float = 0.0) -> list[float]:
    found = []
    for _ in range(count):
        outage.note(ConnectFailed, "refused", now=0, lived=lived, lasting=False)
        found.append(outage.next_try)
    return found


def test_pauses_grow_up_to_a_limit() -> None:
    outage = Outage(LinkTimes(first_pause=1, longest_pause=5), NoJitter())

    assert pauses(outage, 5) == [1, 2, 4, 5, 5]
    assert pauses(outage, 10_000)[-1] == 5


def test_pauses_start_small_again_after_a_session_that_lived() -> None:
    outage = Outage(LinkTimes(first_pause=1, longest_pause=5), NoJitter())
    pauses(outage, 3, lived=0.1)

    assert pauses(outage, 1, lived=60) == [1]


def test_chance_takes_up_to_half_of_a_pause() -> None:
    outage = Outage(LinkTimes(first_pause=8, longest_pause=8), Random(3))
    found = pauses(outage, 100)

    assert 4 <= min(found) < 4.5
    assert 7.5 < max(found) <= 8


def test_what_only_a_person_can_mend_is_told_at_once_and_tried_rarely() -> None:
    outage = Outage(LinkTimes(refused_pause=30), NoJitter())

    assert outage.note(AuthFailed, "wrong", now=0, lived=0, lasting=True)
    assert not outage.note(AuthFailed, "wrong", now=0, lived=0, lasting=True)

    assert outage.next_try == 30
    assert outage.lasts_until(100)
    assert isinstance(outage.error(), AuthFailed)


def test_an_outage_is_waited_for_if_the_next_try_is_in_time() -> None:
    outage = Outage(LinkTimes(first_pause=2), NoJitter())
    outage.note(ConnectFailed, "refused", now=10, lived=0, lasting=False)

    assert outage.lasts_until(11.9)
    assert not outage.lasts_until(12)


def test_an_outage_is_known_once_a_try_has_made_no_session() -> None:
    outage = Outage(LinkTimes(), NoJitter())
    outage.start("not yet", now=0)
    known = [outage.known]
    for lived in (5.0, 0.0):
        outage.note(ConnectFailed, "refused", now=10, lived=lived, lasting=False)
        known.append(outage.known)
    outage.end()

    assert [*known, outage.known] == [False, False, True, False]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x58, Throttled),
        (0x14, Throttled),
        (0x08, GatewayUnavailable),
        (0x0B, BadRecipient),
        (0x01, BadMessage),
        (0x02, BadMessage),
        (0x0D, AuthFailed),
        (0x0E, AuthFailed),
        (0x0F, AuthFailed),
        (0x61, BadMessage),
        (0x62, BadMessage),
        (0x64, GatewayUnavailable),
        (0x65, BadMessage),
        (0x66, BadMessage),
        (0xC2, BadMessage),
        (0x0A, GatewayUnavailable),
        (0x45, GatewayUnavailable),
        (0xFF, GatewayUnavailable),
        (0x0400, GatewayUnavailable),
        (0xFFFFFFFF, GatewayUnavailable),
    ],
)
def test_a_status_of_a_submit_has_one_meaning(status: int, kind: type[DeliveryError]) -> None:
    failure = submit_failure(status)

    assert type(failure) is kind
    assert f"0x{status:02X}" in str(failure)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x0D, AuthFailed),
        (0x0E, AuthFailed),
        (0x0F, AuthFailed),
        (0x53, AuthFailed),
        (0x05, GatewayUnavailable),
        (0x08, GatewayUnavailable),
        (0x58, Throttled),
        (0x0500, GatewayUnavailable),
    ],
)
def test_a_status_of_a_bind_has_one_meaning(status: int, kind: type[NotSent]) -> None:
    assert bind_failure(status)[0] is kind
