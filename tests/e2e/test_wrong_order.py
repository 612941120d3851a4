"""Policies that stand in the wrong place, or do not stand there at all: nobody gets in, and the log says why."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyrad.packet import AuthPacket

from smsotp_mocks.servers.raddb import RadiusUser

from .sites import AUTHORIZE, FIRST_FACTOR, first_factor_record, site_world
from .system import World

_PASSWORD, _CHAP_PASSWORD, _CHAP_CHALLENGE = 2, 3, 60
NUMBER = "+491701234567"
BOB = RadiusUser("bob", "hello", NUMBER, "Auth-Type := FIRST")
CHAP_USER = RadiusUser("chap", "hello", NUMBER)

#: Who would get in without a code, and what the log says.
ROUND = {
    RadiusUser(f"friend{index}", "hello", NUMBER, extra): reason
    for index, (extra, reason) in enumerate(
        {
            "Auth-Type := Accept": "smsotp_authorize: Auth-Type is set to Accept",
            'Auth-Type := Accept, SMSOTP-Result := "accept"': "smsotp_authorize: Auth-Type is set to Accept",
            "Auth-Type := Accept, Post-Auth-Type := REJECT": "smsotp_authorize: Auth-Type is set to Accept",
            "Auth-Type := FIRST, Post-Auth-Type := REJECT": "smsotp_authorize: Post-Auth-Type is set",
            "Auth-Type := FIRST, Post-Auth-Type := Challenge": "smsotp_authorize: Post-Auth-Type is set",
            'Auth-Type := FIRST, Proxy-To-Realm := "away"': "smsotp_authorize: another RADIUS server",
        }.items()
    )
}


def chap_request(world: World, user: RadiusUser, state: bytes | None = None) -> AuthPacket:
    request = world.server.client().request(user.name, user.password, state)
    del request[_PASSWORD]
    request.authenticator = request.CreateAuthenticator()
    request[_CHAP_CHALLENGE] = [b"c" * 16]
    request[_CHAP_PASSWORD] = [b"\x07" + hashlib.md5(b"\x07" + user.password.encode() + b"c" * 16).digest()]
    return request


def test_in_the_right_order_the_first_factor_sees_the_password_and_never_the_code(tmp_path: Path) -> None:
    with site_world(tmp_path, users=[BOB]) as world:
        challenge = world.log_in(BOB)
        wrong = world.answer(BOB, "wrong", challenge.state)
        accepted = world.answer(BOB, world.code_of(BOB), challenge.state)

        assert [challenge.code, wrong.code, accepted.code] == ["challenge", "challenge", "accept"]
        assert first_factor_record(world) == ["bob: hello"]
        assert "is refused by" not in world.server.log_text()


@pytest.mark.parametrize(
    ("authorize", "reason"),
    [
        (
            "smsotp_guard\nfiles\npap",
            "smsotp_sign_reply: this is an answer to a challenge, and it was rejected before smsotp_authorize",
        ),
        (
            "smsotp_guard\nsmsotp_authorize\nfiles\npap",
            "smsotp_sign_reply: the code was right, and a module after smsotp_authorize rejected the user",
        ),
        (
            "smsotp_authorize\nfiles\npap",
            "smsotp_sign_reply: the code was right, and a module after smsotp_authorize rejected the user",
        ),
        (
            "files\nsmsotp_guard\npap",
            "smsotp_sign_reply: this is an answer to a challenge, and it was rejected before smsotp_authorize",
        ),
    ],
)
def test_a_code_never_reaches_the_first_factor_where_authorize_is_out_of_order(
    tmp_path: Path, authorize: str, reason: str
) -> None:
    with site_world(tmp_path, users=[BOB], authorize=authorize) as world:
        challenge = world.log_in(BOB)
        code = world.code_of(BOB)
        mark = world.server.log_mark()

        assert world.answer(BOB, code, challenge.state).code == "reject"
        assert not [line for line in first_factor_record(world) if code in line]
        world.server.wait_for_log(f'user "bob" is refused by {reason}', after=mark)


def test_an_answer_that_comes_to_the_challenge_unjudged_is_rejected(tmp_path: Path) -> None:
    with site_world(tmp_path, users=[BOB], authorize="files\npap") as world:
        challenge = world.log_in(BOB)
        world.code_of(BOB)
        mark = world.server.log_mark()

        assert world.answer(BOB, BOB.password, challenge.state).code == "reject"
        world.server.wait_for_log(
            "is refused by smsotp_challenge: this is an answer to a challenge", after=mark
        )
        assert len(world.codes_of(BOB)) == 1


@pytest.fixture(scope="module", params=["", "\t\tsmsotp_post_auth\n"], ids=["forgotten", "there"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A virtual server that knows CHAP, with and without smsotp_post_auth."""
    with site_world(
        tmp_path_factory.mktemp("wrong"),
        users=[CHAP_USER, *ROUND],
        authorize=AUTHORIZE.replace("files", "chap\nfiles"),
        authenticate=FIRST_FACTOR + "Auth-Type CHAP {\nchap\n}\n",
        post_auth=request.param,
        modules=["chap"],
    ) as running:
        yield running


@pytest.mark.parametrize("user", ROUND, ids=lambda user: user.extra)
def test_what_would_get_round_the_code_is_rejected_with_a_reason(world: World, user: RadiusUser) -> None:
    mark = world.server.log_mark()

    assert world.log_in(user).code == "reject"
    world.server.wait_for_log(f'user "{user.name}" is refused by {ROUND[user]}', after=mark)
    assert world.codes_of(user) == []


@pytest.mark.parametrize("state", [None, b"0" * 32, b"x"])
def test_chap_is_rejected_with_a_reason_whatever_state_it_has(world: World, state: bytes | None) -> None:
    mark = world.server.log_mark()

    assert world.server.client().exchange(chap_request(world, CHAP_USER, state)).code == "reject"
    reason = "smsotp_authorize: User-Password is missing; CHAP"
    world.server.wait_for_log(f'user "{CHAP_USER.name}" is refused by {reason}', after=mark)


@pytest.mark.parametrize("where", ["smsotp_post_auth", "smsotp_sign_reply"])
def test_a_post_auth_type_leads_nobody_past_the_guard_even_without_smsotp_authorize(
    tmp_path: Path, where: str
) -> None:
    extra = "Auth-Type := Accept" + (", Post-Auth-Type := REJECT" if where == "smsotp_sign_reply" else "")
    user = RadiusUser("friend", "hello", NUMBER, extra)
    with site_world(tmp_path, users=[user], authorize="files\npap") as world:
        assert world.log_in(user).code == "reject"
        world.server.wait_for_log(f'user "friend" is refused by {where}: no right code was given')


def test_a_post_auth_type_that_the_first_factor_sets_leads_to_no_challenge(tmp_path: Path) -> None:
    authenticate = FIRST_FACTOR.replace("pap\n", "update control {\n&Post-Auth-Type := REJECT\n}\npap\n", 1)
    with site_world(tmp_path, users=[BOB], authenticate=authenticate) as world:
        assert world.log_in(BOB).code == "reject"
        world.server.wait_for_log('user "bob" is refused by smsotp_authorize: Post-Auth-Type is set')
        assert world.codes_of(BOB) == []


def test_nul_in_a_number_is_refused_and_not_cut(tmp_path: Path) -> None:
    more = 'update control {\n&SMSOTP-Phone := "+491701234567\\000890"\n}\nsmsotp_authorize'
    with site_world(tmp_path, users=[BOB], authorize=f"smsotp_guard\nfiles\npap\n{more}") as world:
        assert world.log_in(BOB).code == "reject"
        world.server.wait_for_log("is refused by smsotp_guard: control:SMSOTP-Phone holds NUL")
        assert world.codes_of(BOB) == []


def test_a_strange_state_is_told_once_and_makes_no_difference(tmp_path: Path) -> None:
    with site_world(tmp_path, users=[BOB]) as world:
        challenge = world.answer(BOB, BOB.password, b"0" * 32)

        assert challenge.code == "challenge"
        assert world.answer(BOB, world.code_of(BOB), challenge.state).code == "accept"
        assert world.server.log_text().count("the State of the request was made with another key") == 1
