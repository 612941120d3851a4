"""What the host is told for each decision."""

from typing import Any

import pytest

from smsotp_plugin.errors import PacketError
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.radius.legs import Legs

SIGN = ("Message-Authenticator", ":=", "0x00")
PACKET = {"request": (("User-Name", "bob"), ("User-Password", "x"))}


class Flow:
    """Decides what it was told to."""

    def __init__(self, decision: object) -> None:
        self.decision = decision
        self.seen: list[LoginRequest] = []
        self.noted: list[tuple[str, str]] = []

    def first_leg(self, request: LoginRequest) -> object:
        self.seen.append(request)
        return self.decision

    answer_leg = is_answer = first_leg

    def note_refusal(self, user: str, why: str) -> None:
        self.noted.append((user, why))

    def notify(self, name: str, request: LoginRequest) -> None:
        assert request.notification == name
        self.seen.append(request)


def legs(decision: object) -> Legs:
    flow: Any = Flow(decision)
    return Legs(flow, flow, [])


def test_a_question_is_a_signed_challenge() -> None:
    code, reply, control = legs(Ask("s" * 32, "Code?", 60)).first_leg(PACKET)

    assert code == 3
    assert reply == (
        SIGN,
        ("State", ":=", "s" * 32),
        ("Reply-Message", ":=", "Code?"),
        ("Session-Timeout", ":=", "60"),
    )
    assert control == (
        ("Response-Packet-Type", ":=", "Access-Challenge"),
        ("SMSOTP-Result", ":=", "challenge"),
    )


def test_an_accept_is_signed_and_marked_for_the_guard() -> None:
    code, reply, control = legs(Accept()).answer_leg(PACKET)

    assert (code, reply) == (2, (SIGN,))
    assert control == (("Auth-Type", ":=", "Accept"), ("SMSOTP-Result", ":=", "accept"))


def test_a_rejection_is_signed_and_says_why() -> None:
    assert legs(Reject("Wrong")).answer_leg(PACKET) == (
        0,
        (SIGN, ("Reply-Message", ":=", "Wrong")),
        (("SMSOTP-Result", ":=", "reject"),),
    )


def test_a_rejection_without_a_text_sends_none() -> None:
    assert legs(Reject("")).answer_leg(PACKET) == (0, (SIGN,), (("SMSOTP-Result", ":=", "reject"),))


def test_a_rejection_leaves_its_reason_for_the_policies() -> None:
    _, _, control = legs(Reject("No.", "no tries\nare \\ left")).answer_leg(PACKET)

    assert control[1] == ("SMSOTP-Refusal", ":=", "no tries\\\\nare \\\\ left")


def test_a_state_that_is_not_ours_changes_nothing() -> None:
    assert legs(NotOurs()).answer_leg(PACKET) == (7, (), (("SMSOTP-Result", ":=", "none"),))


@pytest.mark.parametrize(("decision", "result"), [(True, "answer"), (False, "none")])
def test_an_answer_is_told_from_a_first_request(decision: bool, result: str) -> None:  # noqa: FBT001  (a row of a table)
    packet = {"request": (*PACKET["request"], ("State", "0x00"))}

    assert legs(decision).look(packet) == (7, (), (("SMSOTP-Result", ":=", result),))


def test_what_has_no_state_is_no_answer_whatever_the_flow_says_and_the_flow_is_not_asked() -> None:
    flow: Any = Flow(decision=True)

    assert Legs(flow, flow, []).look(PACKET) == (7, (), (("SMSOTP-Result", ":=", "none"),))
    assert flow.seen == []


@pytest.mark.parametrize(
    "pairs",
    [(), (("User-Name", "bob"), ("User-Name", "otto")), (("User-Name", "bob"), ("User-Password", "\udcfc"))],
    ids=["without a name", "with two", "no UTF-8"],
)
def test_a_first_request_that_cannot_be_used_is_found_when_it_is_looked_at(
    pairs: tuple[tuple[str, str], ...],
) -> None:
    with pytest.raises(PacketError):
        legs(NotOurs()).look({"request": pairs})


@pytest.mark.parametrize(
    ("name", "shown"),
    [("m\udcfcller\n", "m\ufffdller"), ("bob", "bob"), (None, "")],
    ids=["strange", "bob", "none"],
)
def test_why_the_policies_reject_is_told_whatever_the_name(name: str | None, shown: str) -> None:
    reason = ("SMSOTP-Refusal", "smsotp_guard: User-Name comes more than once")
    names = () if name is None else (("User-Name", name), ("User-Name", "otto"))
    flow: Any = Flow(None)

    assert Legs(flow, flow, []).note({"request": (*names, reason)}) == (0, (), ())
    assert flow.noted == [(shown, reason[1])]


def test_backslashes_are_doubled_for_the_host() -> None:
    _, reply, _ = legs(Reject("C:\\new")).first_leg(PACKET)

    assert reply[1] == ("Reply-Message", ":=", "C:\\\\new")


def test_a_packet_that_cannot_be_used_reaches_no_decision() -> None:
    flow: Any = Flow(Accept())

    with pytest.raises(PacketError):
        Legs(flow, flow, []).answer_leg({"request": None})
    assert flow.seen == []


@pytest.mark.parametrize(("name", "count"), [("login", 1), ("", 0)])
def test_a_notification_is_sent_where_one_is_asked_for_and_decides_nothing(name: str, count: int) -> None:
    flow: Any = Flow(Accept())

    answer = Legs(flow, flow, []).notify({**PACKET, "config": (("SMSOTP-Notify", name),)})

    assert answer == (7, (), ())
    assert len(flow.seen) == count
