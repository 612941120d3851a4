"""Settings that change what people see, tried through the real server."""

from pathlib import Path

from smsotp_mocks.servers.raddb import RadiusUser

from .system import World


def test_a_wrong_code_ends_the_log_in_where_the_settings_say_so(tmp_path: Path) -> None:
    with World(tmp_path, sections='[challenge]\non_wrong_code = "reject"') as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        wrong = world.answer(anna, "wrong", challenge.state)
        late = world.answer(anna, code, challenge.state)
        mark = world.gateway.inbox.mark()
        second = world.log_in(anna)

        assert (wrong.code, wrong.prompt) == ("reject", "Wrong code. Log in again to get a new one.")
        assert late.code == "reject"
        assert second.state != challenge.state
        assert world.answer(anna, world.code_of(anna, after=mark), second.state).code == "accept"


def test_without_a_window_each_log_in_is_a_new_sms(tmp_path: Path) -> None:
    with World(tmp_path, sections="[challenge]\nresend_after = 0") as world:
        anna = world.someone()
        first = world.log_in(anna)
        code = world.code_of(anna)
        mark = world.gateway.inbox.mark()
        second = world.log_in(anna)
        other = world.code_of(anna, after=mark)

        assert first.state != second.state
        assert world.answer(anna, code, first.state).code == "accept"
        assert world.answer(anna, other, second.state).code == "accept"


def test_the_same_code_is_sent_again_on_demand_and_not_for_ever(tmp_path: Path) -> None:
    with World(tmp_path, sections="[challenge]\nresend_after = 0\nmax_resends = 2") as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        for _ in range(2):
            mark = world.gateway.inbox.mark()
            world.answer(anna, "resend", challenge.state)
            world.code_of(anna, after=mark)
        refused = world.answer(anna, "resend", challenge.state)

        assert refused.prompt.startswith("No further SMS can be sent.")
        assert world.codes_of(anna) == [code] * 3
        assert world.answer(anna, code, challenge.state).code == "accept"


def test_letters_of_a_code_can_be_typed_in_either_case(tmp_path: Path) -> None:
    sections = '[otp]\nlength = 8\nalphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ"\ntext = "Dein Code: {otp}"'
    with World(tmp_path, sections=sections) as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        text = world.gateway.inbox.wait(number=anna.phone).text

        assert text.startswith("Dein Code: ")
        assert world.answer(anna, text[-8:].lower(), challenge.state).code == "accept"


def test_the_time_that_a_code_is_good_is_told_to_the_client(tmp_path: Path) -> None:
    with World(tmp_path, sections="[otp]\nttl = 60") as world:
        anna = world.someone()

        assert world.log_in(anna).attributes["Session-Timeout"] == (60,)


def test_the_number_may_come_from_the_request_or_the_reply(tmp_path: Path) -> None:
    by_reply = RadiusUser("by-reply", "hello", extra='Simultaneous-Use := 9\n\tFilter-Id = "+491701234500"')
    by_request = RadiusUser("by-request", "hello")
    sections = '[users]\nnumber = ["control:SMSOTP-Phone", "reply:Filter-Id", "request:Calling-Station-Id"]'
    with World(tmp_path, sections=sections, users=[by_reply, by_request]) as world:
        first = world.server.log_in("by-reply", "hello")
        second = world.server.log_in("by-request", "hello", Calling_Station_Id="+49 170 123 45 01")
        codes = [world.gateway.inbox.wait(number=f"+4917012345{end}").code for end in ("00", "01")]

        assert first.prompt.endswith("+49 *** **00")
        assert second.prompt.endswith("+49 *** **01")
        assert world.server.answer("by-reply", codes[0], first.state).code == "accept"
        assert world.server.answer("by-request", codes[1], second.state).code == "accept"


def test_national_numbers_work_with_a_default_region(tmp_path: Path) -> None:
    user = RadiusUser("bob", "hello", "0170/123 45 67")
    with World(tmp_path, sections='[users]\ndefault_region = "DE"', users=[user]) as world:
        challenge = world.log_in(user)
        code = world.gateway.inbox.wait(number="+491701234567").code

        assert world.answer(user, code, challenge.state).code == "accept"


def test_debug_lines_hold_no_secrets(tmp_path: Path) -> None:
    with World(tmp_path, sections='[log]\nlevel = "debug"') as world:
        anna = world.someone()
        challenge = world.log_in(anna)
        world.answer(anna, "wrong", challenge.state)

        assert world.answer(anna, world.code_of(anna), challenge.state).code == "accept"
