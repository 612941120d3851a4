"""Whatever rlm_python3 hands over, it is a log-in request or our own error; and each answer has the host's exact form."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from smsotp_plugin.errors import PacketError
from smsotp_plugin.login.decisions import Accept, Ask, NotOurs, Reject
from smsotp_plugin.login.request import LoginRequest
from smsotp_plugin.radius.attributes import AttributePlace, read_request
from smsotp_plugin.radius.legs import _write_answer

NAMES = st.one_of(
    st.sampled_from(
        [
            "User-Name",
            "User-Password",
            "State",
            "Calling-Station-Id",
            "NAS-Identifier",
            "NAS-IP-Address",
            "SMSOTP-Phone",
            "SMSOTP-Client-Address",
            "SMSOTP-Site",
        ]
    ),
    st.text(max_size=20),
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: "0x" + raw.hex()),
    st.sampled_from(["", "0x", "0xzz", "0x0", "0x00", "x" * 253, "0x" + "ff" * 253]),
)
PAIRS = st.one_of(st.none(), st.lists(st.tuples(NAMES, VALUES), max_size=8).map(tuple))
PACKETS = st.dictionaries(st.sampled_from(["request", "reply", "config", "session-state"]), PAIRS)
PLACES = [AttributePlace.parse("control:SMSOTP-Phone"), AttributePlace.parse("request:Calling-Station-Id")]

Pairs = Sequence[tuple[str, str]]


def count(pairs: Pairs | None, name: str) -> int:
    return sum(key == name for key, _ in pairs or ())


@given(PACKETS)
def test_a_packet_is_a_request_or_our_error(packet: dict[str, Pairs | None]) -> None:
    pairs = packet.get("request")
    try:
        read = read_request(packet, PLACES)
    except PacketError as exc:
        assert "\n" not in str(exc)  # noqa: PT017  (it may be either)
        return

    assert isinstance(read, LoginRequest)
    assert read.user == dict(pairs or ())["User-Name"] != ""
    assert count(pairs, "User-Name") == 1
    assert count(pairs, "State") == (read.state is not None)
    assert count(pairs, "User-Password") == (read.password is not None)
    assert read.state is None or read.state.isascii()
    assert len(read.numbers) == count(packet.get("config"), "SMSOTP-Phone") + count(
        pairs, "Calling-Station-Id"
    )


@given(st.text(min_size=1, max_size=253), st.text(max_size=128))
def test_a_password_is_kept_as_it_is_and_never_shown(user: str, password: str) -> None:
    packet = {"request": (("User-Name", user), ("User-Password", f"pw-{password}"))}

    read = read_request(packet, [])

    assert read.password == SecretStr(f"pw-{password}")
    assert "pw-" not in repr(read).replace(repr(user), "")


@given(st.binary(max_size=253))
def test_a_state_is_ascii_or_nobodys(raw: bytes) -> None:
    packet = {"request": (("User-Name", "bob"), ("State", "0x" + raw.hex()))}

    assert read_request(packet, []).state == (raw.decode() if raw.isascii() else "")


DECISIONS = st.one_of(
    st.builds(Ask, state=st.text(max_size=40), prompt=st.text(max_size=60), seconds=st.integers(1, 3600)),
    st.builds(Reject, text=st.text(max_size=60)),
    st.just(Accept()),
    st.just(NotOurs()),
)


@given(DECISIONS)
def test_an_answer_has_the_exact_form_that_the_host_takes(decision: Ask | Accept | Reject | NotOurs) -> None:
    answer = _write_answer(decision)

    code, reply, control = answer
    assert type(answer) is tuple
    assert type(code) is int
    assert 0 <= code <= 8
    assert type(reply) is type(control) is tuple
    assert all(type(change) is tuple and len(change) == 3 for change in (*reply, *control))
    assert all(type(text) is str for change in (*reply, *control) for text in change)


@given(DECISIONS)
def test_only_an_accept_lets_anybody_in(decision: Ask | Accept | Reject | NotOurs) -> None:
    code, _, control = _write_answer(decision)

    accepted = code == 2 or ("Auth-Type", ":=", "Accept") in control
    assert accepted is isinstance(decision, Accept)
