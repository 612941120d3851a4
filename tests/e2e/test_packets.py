"""Packets that are odd but well-formed: attributes twice, missing, empty, in other alphabets, with binary in them."""

import pytest
from pyrad.packet import AuthPacket

from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer

from .system import World

_USER_NAME, _PASSWORD, _CHAP_PASSWORD, _STATE, _CALLING_STATION = 1, 2, 3, 24, 31
_CHAP_CHALLENGE, _EAP_MESSAGE, _VENDOR = 60, 79, 26

#: Called-Station-Id, Calling-Station-Id, NAS-Identifier, Filter-Id, Class, Connect-Info and NAS-Port-Id.
INFORMING = (30, _CALLING_STATION, 32, 11, 25, 77, 87)
#: Text of a vendor that ends with NUL, a network's name in Latin-1, a tab, and worse.
STRANGE = (
    b"RAS\x00",
    b"AA-BB-CC-DD-EE-FF:B\xfcro",
    b"a\tb",
    b"a\nb",
    b"\xff\xfe\x1b[2J",
    b"\x00\x00",
    b"\xed\xa0\x80",
)


def packet_of(world: World, user: RadiusUser, state: bytes | None = None) -> AuthPacket:
    return world.server.client().request(user.name, user.password, state)


def vendor(number: int, kind: int, value: bytes) -> bytes:
    """Return a Vendor-Specific attribute (RFC 2865 section 5.26)."""
    return number.to_bytes(4, "big") + bytes((kind, len(value) + 2)) + value


def send(world: World, request: AuthPacket) -> Answer:
    return world.server.client().exchange(request)


def test_two_user_names_are_rejected(world: World, anna: RadiusUser, otto: RadiusUser) -> None:
    request = packet_of(world, anna)
    request[_USER_NAME] = [anna.name.encode(), otto.name.encode()]

    assert send(world, request).code == "reject"


def test_two_states_are_rejected_even_if_one_is_right(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    request = world.server.client().request(anna.name, world.code_of(anna))
    request[_STATE] = [b"0" * 32, challenge.state]

    assert send(world, request).code == "reject"


def test_two_passwords_are_rejected(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    request = packet_of(world, anna, challenge.state)
    request[_PASSWORD] = [request.PwCrypt(world.code_of(anna).encode()), request.PwCrypt(b"x")]

    assert send(world, request).code == "reject"


@pytest.mark.parametrize("attribute", INFORMING)
def test_what_only_informs_may_come_twice(world: World, anna: RadiusUser, attribute: int) -> None:
    request = packet_of(world, anna)
    request[attribute] = [b"192.0.2.1", b"192.0.2.2"]

    challenge = send(world, request)

    assert challenge.code == "challenge"
    assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"


def test_a_request_without_a_user_name_is_rejected(world: World, anna: RadiusUser) -> None:
    request = packet_of(world, anna)
    del request[_USER_NAME]

    assert send(world, request).code == "reject"


def test_an_answer_without_a_password_is_rejected(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    request = packet_of(world, anna, challenge.state)
    del request[_PASSWORD]

    assert send(world, request).code == "reject"
    assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"


def test_an_answer_by_chap_is_rejected(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    request = packet_of(world, anna, challenge.state)
    del request[_PASSWORD]
    request[_CHAP_PASSWORD] = [b"\x01" + b"\x02" * 16]

    assert send(world, request).code == "reject"


def test_a_first_leg_by_chap_is_rejected(world: World, anna: RadiusUser) -> None:
    request = packet_of(world, anna)
    del request[_PASSWORD]
    request[_CHAP_PASSWORD] = [b"\x01" + b"\x02" * 16]
    request[_CHAP_CHALLENGE] = [b"\x03" * 16]

    assert send(world, request).code == "reject"


def test_an_answer_inside_eap_is_rejected(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    request = packet_of(world, anna, challenge.state)
    del request[_PASSWORD]
    request[_EAP_MESSAGE] = [b"\x02\x01\x00\x09\x01" + b"anna"]

    assert send(world, request).code == "reject"


def test_an_empty_password_is_rejected(world: World, anna: RadiusUser) -> None:
    assert world.server.log_in(anna.name, "").code == "reject"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"bo\x00b", "holds control characters"),
        (b"a\nb", "holds control characters"),
        (b"\x1b[2J", "holds control characters"),
        (b"a\x7fb", "holds control characters"),
        (b"m\xfcller", "is not UTF-8 text"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"\xc0\xaf", "is not UTF-8 text"),
        (b"\xed\xa0\x80", "is not UTF-8 text"),
        (b"\xf4\x90\x80\x80", "is not UTF-8 text"),
        (b"x" * 252 + b"\xc3", "is not UTF-8 text"),
    ],
)
def test_a_name_that_is_no_text_is_rejected(world: World, anna: RadiusUser, name: bytes, reason: str) -> None:
    request = packet_of(world, anna)
    request[_USER_NAME] = [name]
    mark = world.server.log_mark()

    assert send(world, request).code == "reject"
    world.server.wait_for_log(f"is refused by smsotp_guard: User-Name {reason}", after=mark)
    world.expect_no_sms(anna)


@pytest.mark.parametrize("attribute", [*INFORMING, _VENDOR])
@pytest.mark.parametrize("value", STRANGE)
def test_text_that_only_informs_may_be_strange(
    world: World, anna: RadiusUser, attribute: int, value: bytes
) -> None:
    request = packet_of(world, anna)
    request[attribute] = [value] if attribute != _VENDOR else [vendor(9, 1, value), vendor(311, 34, value)]

    challenge = send(world, request)
    answer = world.server.client().request(anna.name, world.code_of(anna), challenge.state)
    answer[attribute] = request[attribute]

    assert challenge.code == "challenge"
    assert send(world, answer).code == "accept"


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.parametrize(
    ("attribute", "name"), [(_USER_NAME, "User-Name"), (_PASSWORD, "User-Password"), (_STATE, "State")]
)
def test_what_decides_may_come_once_and_the_log_says_so(
    world: World, anna: RadiusUser, attribute: int, name: str, count: int
) -> None:
    request = packet_of(world, anna, b"0" * 32)
    request[attribute] = request[attribute] * count
    mark = world.server.log_mark()

    assert send(world, request).code == "reject"
    world.server.wait_for_log(f"is refused by smsotp_guard: {name} comes more than once", after=mark)


@pytest.mark.parametrize("name", ["müller", "日本語", "👩‍🚀", "é" * 126, "x" * 253])
def test_a_name_in_any_language_is_a_name(world: World, name: str) -> None:
    mark = world.server.log_mark()

    assert world.server.log_in(name, "wrong").code == "reject"
    assert "smsotp_guard" not in world.logged(mark)


def test_a_name_with_nul_is_not_the_name_before_it(world: World, anna: RadiusUser) -> None:
    assert world.server.client().log_in(anna.name.encode() + b"\x00x", anna.password).code == "reject"
    world.expect_no_sms(anna)


def test_a_code_with_nul_is_not_the_code_before_it(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    cut = world.server.client().answer(anna.name, code.encode() + b"\x00x", challenge.state)

    assert cut.code == "reject"
    assert world.answer(anna, code, challenge.state).code == "accept"


@pytest.mark.parametrize("value", [b"\xe4\xf6\xfc", b"\x08\n\r\x7fINCORRECT", b"\x08", b"a\x00b"])
def test_a_password_that_is_no_text_is_rejected(world: World, anna: RadiusUser, value: bytes) -> None:
    mark = world.server.log_mark()

    assert world.server.client().log_in(anna.name, value).code == "reject"
    world.server.wait_for_log("is refused by smsotp_guard: User-Password ", after=mark)


def test_blanks_of_a_pasted_code_are_the_plugins_business(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    mark = world.server.log_mark()

    assert world.answer(anna, "\twrong\r\n", challenge.state).code == "challenge"
    assert "smsotp_guard" not in world.logged(mark)


def test_vendor_attributes_and_proxy_states_do_not_matter(world: World, anna: RadiusUser) -> None:
    request = packet_of(world, anna)
    request[26] = [b"\x00\x00\x00\x09\x01\x0bshell:x=yz", b"\x00\x01\x86\x9f\x01\x04\xff\x00"]
    request[33] = [b"\x00\x01", b"\x00\x02"]

    challenge = send(world, request)

    assert challenge.code == "challenge"
    assert challenge.attributes["Proxy-State"] == (b"\x00\x01", b"\x00\x02")
    assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"


def test_what_looks_like_an_expansion_is_left_as_it_is(world: World) -> None:
    assert world.server.log_in("%{User-Password} `id` ${x}", "x").code == "reject"
