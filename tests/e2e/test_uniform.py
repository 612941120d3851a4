"""``[challenge] uniform``: rejections tell nobody whether the password was right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer

from .system import World, people
from .test_log_in import other_than

_SECTIONS = """
[challenge]
uniform = true
[limits]
per_user = ["1/d"]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    users = [*people(20), RadiusUser("nobody", "secret-word-x", None)]
    with World(tmp_path_factory.mktemp("uniform"), sections=_SECTIONS, users=users) as running:
        yield running


def described(answer: Answer) -> tuple[object, ...]:
    """Return all that a client sees of an answer, but for what must differ."""
    names = [name for name in answer.attributes if name != "Message-Authenticator"]
    return answer.code, answer.reply_messages, answer.state, answer.signed, names


def test_all_rejections_of_a_first_request_look_like_that_of_a_wrong_password(world: World) -> None:
    anna, otto, carol = world.someone(), world.someone(), world.someone()
    wrong_password = world.server.log_in(anna.name, "wrong")
    stranger = world.server.log_in("stranger", "wrong")
    without_number = world.server.log_in("nobody", "secret-word-x")
    challenge = world.log_in(otto)
    code = world.code_of(otto)
    for _ in range(5):
        world.answer(otto, other_than(code), challenge.state)
    waiting = world.log_in(otto, Calling_Station_Id="elsewhere")
    assert world.log_in(carol, Calling_Station_Id="one").code == "challenge"
    spent = world.log_in(carol, Calling_Station_Id="another")

    rejections = [wrong_password, stranger, without_number, waiting, spent]

    assert {str(described(each)) for each in rejections} == {str(described(wrong_password))}
    assert described(wrong_password) == ("reject", (), b"", True, [])


def test_who_is_asked_for_a_code_is_told_what_became_of_it(world: World) -> None:
    anna = world.someone()
    challenge = world.log_in(anna)
    code = world.code_of(anna)

    again = world.answer(anna, other_than(code), challenge.state)

    assert again.prompt.startswith("Wrong code.")
    assert world.answer(anna, code, challenge.state).code == "accept"


def test_the_policy_removes_what_other_modules_say(tmp_path: Path) -> None:
    users = [*people(3), RadiusUser("nobody", "secret-word-x", None)]
    world = World(tmp_path, sections=_SECTIONS, users=users, reject_delay=1)
    world.server.prepare()
    site = world.server.raddb / "sites-enabled/smsotp"
    text = site.read_text()
    with_policy = text.replace("\t\t\tsmsotp_sign_reply\n", "\t\t\tsmsotp_sign_reply\n\t\t\tsmsotp_uniform\n")
    told = with_policy.replace(
        "\t\t\telse {\n\t\t\t\treject\n",
        '\t\t\telse {\n\t\t\t\tupdate reply {\n\t\t\t\t\t&Reply-Message := "No."\n\t\t\t\t}\n\t\t\t\treject\n',
    )
    assert text != with_policy != told
    site.write_text(told)
    with world:
        anna = world.someone()
        wrong_password = world.server.log_in(anna.name, "wrong")
        without_number = world.server.log_in("nobody", "secret-word-x")
        challenge = world.log_in(anna)
        code = world.code_of(anna)
        for _ in range(5):
            judged = world.answer(anna, other_than(code), challenge.state)

        assert described(wrong_password) == described(without_number) == ("reject", (), b"", True, [])
        assert judged.prompt == "Too many wrong codes. Log in again to get a new one."
