"""Nobody is accepted whose code was not seen, however the first factor was configured."""

from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

from .system import World

_PASSWORD, _CHAP_PASSWORD, _CHAP_CHALLENGE = 2, 3, 60
NUMBER = "+491701234567"
ACCEPTED_BY_FILE = RadiusUser("friend", "hello", NUMBER, "Auth-Type := Accept")
LOCKED = RadiusUser("locked", "hello", NUMBER, "Auth-Type := Reject")
OTHER_TYPE = RadiusUser("other", "hello", NUMBER, "Auth-Type := MS-CHAP")
PRETENDER = RadiusUser("pretender", "hello", NUMBER, 'SMSOTP-Result := "challenge", Auth-Type := Accept')
NUMBERLESS = RadiusUser("numberless", "hello")
WRONG_NUMBER = RadiusUser("wrong", "hello", "0170 1234567")
TWO_NUMBERS = RadiusUser("two", "hello", "no number", 'SMSOTP-Phone += "+491701234500"')
BOB = RadiusUser("bob", "hello", NUMBER)
USERS = [ACCEPTED_BY_FILE, LOCKED, OTHER_TYPE, PRETENDER, NUMBERLESS, WRONG_NUMBER, TWO_NUMBERS, BOB]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("guard"), users=USERS) as running:
        yield running


@pytest.mark.parametrize(
    "user", [ACCEPTED_BY_FILE, LOCKED, OTHER_TYPE, PRETENDER], ids=lambda user: user.name
)
def test_another_auth_type_lets_nobody_in(world: World, user: RadiusUser) -> None:
    assert world.log_in(user).code == "reject"
    assert world.answer(user, "hello", b"0" * 32).code == "reject"


def test_chap_lets_nobody_in(world: World) -> None:
    request = world.server.client().request(BOB.name, BOB.password)
    del request[_PASSWORD]
    request.authenticator = request.CreateAuthenticator()
    request[_CHAP_CHALLENGE] = [b"c" * 16]
    request[_CHAP_PASSWORD] = [chap(b"\x07", BOB.password.encode(), b"c" * 16)]

    assert world.server.client().exchange(request).code == "reject"


def test_whoever_is_locked_after_the_first_leg_stays_out(world: World) -> None:
    challenge = world.log_in(BOB)
    code = world.code_of(BOB)
    world.server.stop()
    world.server.set_users([LOCKED, RadiusUser("bob", "hello", NUMBER, "Auth-Type := Reject")])
    world.start()

    rejected = world.answer(BOB, code, challenge.state)
    world.server.stop()
    world.server.set_users(USERS)
    world.start()

    assert rejected.code == "reject"
    assert world.answer(BOB, code, challenge.state).code == "accept"


def test_a_user_without_a_number_is_told_so(world: World) -> None:
    rejected = world.log_in(NUMBERLESS)

    assert (rejected.code, rejected.prompt) == (
        "reject",
        "No code can be sent to you. Ask your administrator.",
    )
    world.server.wait_for_log('user "numberless": no SMS can be sent: the user has no telephone number')


def test_a_number_without_a_country_code_is_refused_and_explained(world: World) -> None:
    assert world.log_in(WRONG_NUMBER).code == "reject"
    world.server.wait_for_log("users.default_region")


def test_the_first_usable_number_counts(world: World) -> None:
    challenge = world.log_in(TWO_NUMBERS)
    code = world.gateway.inbox.wait(number="+491701234500").code

    assert world.answer(TWO_NUMBERS, code, challenge.state).code == "accept"


def chap(identifier: bytes, password: bytes, challenge: bytes) -> bytes:
    """Return CHAP-Password (RFC 2865 section 5.3)."""
    import hashlib

    return identifier + hashlib.md5(identifier + password + challenge).digest()
