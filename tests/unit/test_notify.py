"""What a notification says of a packet, and how much of it."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.login.notify import Notifier, _fill
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.settings.sections.notifications import NOTIFICATION_TAGS, NotificationSettings
from smsotp_plugin.sms.segments import plan_segments
from smsotp_plugin.wire.http.xmlrpc import write_call
from tests.support.login_bench import Bench, make, request

__all__ = ["make"]

ALARM = "{user} logged in from {station} through {client} at {time}"
NOON = 1_700_000_000.0


def fill(text: str = ALARM, **said: str) -> str:
    values: dict[str, Any] = {"user": "bob", "client": "NAS-Identifier=vpn", "station": "192.0.2.7"} | said
    unused = dict.fromkeys(
        ("password", "state", "site", "gateway", "language", "notification"), cast("Any", "")
    )
    return _fill(NOTIFICATION_TAGS.read(text), LoginRequest(**values, **unused, numbers=()), NOON)


def test_a_notification_says_who_from_where_through_what_and_when() -> None:
    assert fill() == "bob logged in from 192.0.2.7 through vpn at 2023-11-14 22:13 UTC"


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        ("NAS-Identifier=vpn", "vpn"),
        ("NAS-IP-Address=192.0.2.1", "192.0.2.1"),
        ("NAS-IP-Address=192.0.2.1 NAS-IPv6-Address=2001:db8::1", "192.0.2.1"),
        ("NAS-IP-Address=192.0.2.1 NAS-Identifier=vpn", "vpn"),
        ("NAS-IPv6-Address=2001:db8::1 NAS-Identifier=the VPN = office", "the VPN = office"),
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_a_client_is_told_by_its_identifier_or_else_by_its_address(client: str, shown: str) -> None:
    assert fill("{client}", client=client) == shown


@pytest.mark.parametrize("tag", ["user", "client", "station"])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\ufffeb", "ab"),
        ("a\x00b\x1bc\x7f", "abc"),
        ("a\tb\u00a0c", "a b c"),
        ("a\r\nb\u2028c", "abc"),
        ("\u202e192.0.2.7\u202c", "192.0.2.7"),
        ("a\ud800b\ue000c", "abc"),
        ("\u200b", ""),
        ("2001:db8:ffff:ffff:ffff:ffff:255.255.255.255", "2001:db8:ffff:ffff:ffff:ffff:255.255...."),
        ("x" * 253, "x" * 37 + "..."),
        ("\u00df" * 40, "\u00df" * 40),
    ],
)
def test_what_a_packet_says_is_cleaned_and_cut_whatever_the_tag(tag: str, said: str, shown: str) -> None:
    assert fill("{" + tag + "}", **{tag: said}) == shown


@given(*[st.text(max_size=253)] * 3)
def test_no_packet_makes_several_messages_of_one_or_keeps_it_from_being_written(
    user: str, client: str, station: str
) -> None:
    text = fill("{user} {station} {client}", user=user, client=client, station=station)

    assert len(text) <= 122
    assert plan_segments(text).count <= 4
    assert write_call("samurai.SessionInitiate", {"Content": text})


def test_the_longest_values_of_plain_characters_still_make_one_sms() -> None:
    assert (
        plan_segments(fill("{user} logged in from {station}", user="u" * 253, station="s" * 253)).count == 1
    )


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        (request(numbers=()), 0, ["the user has no telephone number"] * 3),
        (request(), 1, ["over budget: per_user = 1/h"]),
    ],
    ids=["no number", "over budget"],
)
def test_why_somebody_gets_no_notification_is_told_for_a_budget_once(
    make: Callable[..., Bench],
    caplog: pytest.LogCaptureFixture,
    asked: LoginRequest,
    sent: int,
    told: list[str],
) -> None:
    bench = make(limits={"mode": "enforce", "per_user": ["1/h"]})
    notifier = Notifier(
        texts={"alarm": NotificationSettings(text=cast("Any", ALARM))},
        composer=bench.login._composer,
        budgets=bench.login._budgets,
        names=bench.login._names,
        delivery_log=bench.store,
        outbox=bench.outbox,
        clock=bench.clock,
    )
    for _ in range(3):
        notifier.notify("alarm", asked)

    assert len(bench.outbox.messages) == sent
    assert [text.rpartition('"alarm": ')[2].partition(" (")[0] for text in caplog.messages] == told
