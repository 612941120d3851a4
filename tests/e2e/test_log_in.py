"""The two legs, as people and their clients go through them."""

import contextlib
import re
import socket
from pathlib import Path

import pytest
from pyrad.packet import AccessAccept, AuthPacket

from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser

from .system import World, in_parallel, install


def other_than(code: str) -> str:
    """Return a code that is surely wrong."""
    return "000000" if code != "000000" else "111111"


def send_twice(world: World, request: AuthPacket) -> list[bytes]:
    """Send one packet twice from the same port and return both answers, as they came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(1)
        connection.connect(world.server.address)
        return [until_answered(connection, request.RequestPacket()) for _ in range(2)]


def until_answered(connection: socket.socket, packet: bytes) -> bytes:
    """Send a packet as often as it takes: the server drops one that comes while it finishes the same one."""
    for _ in range(60):
        connection.send(packet)
        with contextlib.suppress(TimeoutError):
            return connection.recv(4096)
    pytest.fail("no answer came")


def install_with_a_memory(server: FreeRadiusServer) -> None:
    """Install, and let the server remember what it answered for as long as docs/clients.md says at most."""
    install(server)
    path = server.raddb / "radiusd.conf"
    text, found = re.subn(r"^cleanup_delay = 5$", "cleanup_delay = 30", path.read_text(), flags=re.MULTILINE)
    assert found == 1
    path.write_text(text)


def test_the_right_code_is_accepted(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)

    accepted = world.answer(anna, world.code_of(anna), challenge.state)

    assert challenge.code == "challenge"
    assert accepted.code == "accept"


def test_a_challenge_is_what_clients_need(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)

    assert challenge.reply_messages == (f"Enter the code sent to +49 *** **{(anna.phone or '')[-2:]}",)
    assert challenge.state.isalnum()
    assert len(challenge.state) == 32
    assert challenge.attributes["Session-Timeout"] == (300,)
    assert challenge.signed


def test_a_wrong_password_is_rejected_without_an_sms(world: World, anna: RadiusUser) -> None:
    rejected = world.server.log_in(anna.name, "wrong")

    assert (rejected.code, rejected.state, rejected.signed) == ("reject", b"", True)
    world.expect_no_sms(anna)


def test_a_wrong_code_is_asked_for_again_and_the_right_one_is_still_good(
    world: World, anna: RadiusUser
) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    again = world.answer(anna, other_than(code), challenge.state)
    accepted = world.answer(anna, code, again.state)

    assert again.code == "challenge"
    assert again.prompt.startswith("Wrong code.")
    assert again.signed
    assert accepted.code == "accept"
    assert len(world.codes_of(anna)) == 1


def test_the_tries_are_counted_and_the_last_wrong_code_ends_the_log_in(
    world: World, anna: RadiusUser
) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    answers = [world.answer(anna, other_than(code), challenge.state) for _ in range(5)]
    late = world.answer(anna, code, challenge.state)

    assert [answer.code for answer in answers] == ["challenge"] * 4 + ["reject"]
    assert answers[-1].prompt == "Too many wrong codes. Log in again to get a new one."
    assert late.code == "reject"


def test_a_new_log_in_after_too_many_wrong_codes_gets_a_new_code(tmp_path: Path) -> None:
    with World(tmp_path, sections="[otp]\nmax_attempts = 3") as world:
        anna = world.someone()
        first = world.log_in(anna)
        old = world.code_of(anna)
        mark = world.gateway.inbox.mark()
        for _ in range(3):
            world.answer(anna, other_than(old), first.state)

        second = world.log_in(anna)
        accepted = world.answer(anna, world.code_of(anna, after=mark), second.state)

        assert second.state != first.state
        assert accepted.code == "accept"


def test_a_code_is_good_once(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)
    world.answer(anna, code, challenge.state)

    replayed = world.answer(anna, code, challenge.state)

    assert replayed.code == "reject"
    assert replayed.prompt == "The code is no longer valid. Log in again to get a new one."


def test_the_same_packet_with_a_code_gets_the_same_accept_while_the_server_remembers_it(
    tmp_path: Path,
) -> None:
    with World(tmp_path, configure=install_with_a_memory) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        request = world.server.client().request(anna.name, world.code_of(anna), challenge.state)

        first, second = send_twice(world, request)

    assert first == second
    assert first[0] == AccessAccept


def test_fifty_right_answers_at_once_are_one_accept(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    answers = in_parallel(50, world.answer, anna, code, challenge.state)

    assert sorted(answer.code for answer in answers) == ["accept"] + ["reject"] * 49


def test_fifty_wrong_answers_at_once_use_up_five_tries(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    wrong = other_than(world.code_of(anna))

    answers = in_parallel(50, world.answer, anna, wrong, challenge.state)

    assert sorted(answer.code for answer in answers) == ["challenge"] * 4 + ["reject"] * 46


def test_a_packet_repeated_from_the_same_port_is_one_sms(world: World, anna: RadiusUser) -> None:
    request = world.server.client().request(anna.name, anna.password)

    first, second = send_twice(world, request)
    world.log_in_wholly(anna)

    assert first == second
    assert len(world.codes_of(anna)) == 1


def test_a_packet_repeated_from_another_port_is_one_sms(world: World, anna: RadiusUser) -> None:
    client = world.server.client()
    request = client.request(anna.name, anna.password)

    first, second = client.exchange(request), client.exchange(request)
    accepted = world.answer(anna, world.code_of(anna), second.state)

    assert first.state == second.state
    assert accepted.code == "accept"
    assert len(world.codes_of(anna)) == 1


def test_the_same_log_in_in_a_new_packet_is_one_sms(world: World, anna: RadiusUser) -> None:
    first = world.log_in(anna, NAS_Identifier="vpn", Calling_Station_Id="192.0.2.7")
    code = world.code_of(anna)
    second = world.log_in(anna, NAS_Identifier="vpn", Calling_Station_Id="192.0.2.7")
    accepted = world.answer(anna, code, second.state)

    assert (second.state, second.prompt) == (first.state, first.prompt)
    assert accepted.code == "accept"
    assert world.codes_of(anna) == [code]


def test_thirty_equal_log_ins_at_once_are_one_sms(world: World, anna: RadiusUser) -> None:
    answers = in_parallel(30, world.log_in, anna)
    accepted = world.answer(anna, world.code_of(anna), answers[0].state)

    assert len({answer.state for answer in answers}) == 1
    assert accepted.code == "accept"
    assert len(world.codes_of(anna)) == 1


def test_a_log_in_through_another_client_is_another_challenge(world: World, anna: RadiusUser) -> None:
    vpn = world.log_in(anna, NAS_Identifier="vpn")
    code = world.code_of(anna)
    mark = world.gateway.inbox.mark()
    desk = world.log_in(anna, NAS_Identifier="desk")
    other_code = world.code_of(anna, after=mark)

    assert vpn.state != desk.state
    assert world.answer(anna, code, vpn.state).code == "accept"
    assert world.answer(anna, other_code, desk.state).code == "accept"


def test_a_code_is_good_for_its_own_challenge_only(world: World, anna: RadiusUser) -> None:
    world.log_in(anna, NAS_Identifier="vpn")
    code = world.code_of(anna)
    mark = world.gateway.inbox.mark()
    desk = world.log_in(anna, NAS_Identifier="desk")
    assert world.code_of(anna, after=mark) != code

    assert world.answer(anna, code, desk.state).code == "challenge"


def test_the_state_of_another_user_is_worth_nothing(world: World, anna: RadiusUser, otto: RadiusUser) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    stolen = world.answer(otto, code, challenge.state)

    assert (stolen.code, stolen.state) == ("reject", b"")
    assert world.answer(anna, code, challenge.state).code == "accept"


def test_the_state_of_another_user_with_the_own_password_begins_a_log_in(
    world: World, anna: RadiusUser, otto: RadiusUser
) -> None:
    theirs = world.log_in(anna)

    own = world.answer(otto, otto.password, theirs.state)
    accepted = world.answer(otto, world.code_of(otto), own.state)

    assert own.code == "challenge"
    assert own.state != theirs.state
    assert accepted.code == "accept"


@pytest.mark.parametrize(
    "state", [b"0" * 32, b"", b"x", b"\x00" * 16, b"\xff" * 253, b"' OR 1=1 --", b"0x41", "é".encode()]
)
def test_an_unknown_state_with_the_password_begins_a_log_in(
    world: World, anna: RadiusUser, state: bytes
) -> None:
    challenge = world.answer(anna, anna.password, state)
    accepted = world.answer(anna, world.code_of(anna), challenge.state)

    assert challenge.code == "challenge"
    assert accepted.code == "accept"


def test_an_unknown_state_with_a_code_is_rejected(world: World, anna: RadiusUser) -> None:
    world.log_in(anna)

    rejected = world.answer(anna, world.code_of(anna), b"0" * 32)

    assert (rejected.code, rejected.state) == ("reject", b"")


def test_a_code_without_a_state_is_rejected(world: World, anna: RadiusUser) -> None:
    world.log_in(anna)

    assert world.server.log_in(anna.name, world.code_of(anna)).code == "reject"


def test_blanks_round_and_in_a_code_do_not_matter(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    assert world.answer(anna, f"  {code[:3]} {code[3:]} ", challenge.state).code == "accept"


def test_a_code_with_something_behind_it_is_wrong(world: World, anna: RadiusUser) -> None:
    challenge = world.log_in(anna)

    assert world.answer(anna, world.code_of(anna) + "0", challenge.state).code == "challenge"


@pytest.mark.parametrize("typed", ["", "  ", "resend", "RESEND"])
def test_a_wish_for_another_sms_comes_too_early_and_is_no_try(
    world: World, anna: RadiusUser, typed: str
) -> None:
    challenge = world.log_in(anna)

    told = [world.answer(anna, typed, challenge.state) for _ in range(6)]
    accepted = world.answer(anna, world.code_of(anna), challenge.state)

    assert {answer.code for answer in told} == {"challenge"}
    assert "further SMS" in told[-1].prompt
    assert accepted.code == "accept"
    assert len(world.codes_of(anna)) == 1


def test_an_accept_is_signed_and_holds_nothing_of_the_challenge(world: World, anna: RadiusUser) -> None:
    accepted = world.log_in_wholly(anna)

    assert accepted.signed
    assert set(accepted.attributes) == {"Message-Authenticator"}


def test_every_answer_can_be_taken_by_a_client_that_demands_signatures(
    world: World, anna: RadiusUser
) -> None:
    strict = world.server.client(demand_signature=True)

    rejected = strict.log_in(anna.name, "wrong")
    challenge = strict.log_in(anna.name, anna.password)
    again = strict.answer(anna.name, "wrong", challenge.state)
    accepted = strict.answer(anna.name, world.code_of(anna), again.state)

    codes = [answer.code for answer in (rejected, challenge, again, accepted)]
    assert codes == ["reject", "challenge", "challenge", "accept"]
