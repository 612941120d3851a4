"""Names, passwords and prompts in any alphabet, and with characters that FreeRADIUS gives a meaning to."""

from collections.abc import Iterator

import pytest

from smsotp_mocks.servers.raddb import RadiusUser

from .system import World

NUMBER = "+491701234567"
NAMES = {
    "umlauts": RadiusUser("jürgen.groß", "Käsebröt€", NUMBER),
    "cyrillic": RadiusUser("алиса", "пароль", NUMBER),
    "emoji": RadiusUser("😀", "🔑🔑", NUMBER),
    "realm": RadiusUser("bob@example.com", 'quo"te', NUMBER),
    "dots": RadiusUser("john.doe", "back\\slash", NUMBER),
    "blanks": RadiusUser("van der Berg", "two  blanks", NUMBER),
    "long": RadiusUser("n" * 253, "p" * 128, NUMBER),
    "apostrophe": RadiusUser("o'brien'; DROP TABLE challenges; --", "x' OR '1'='1", NUMBER),
}
#: The users file gives these names a meaning of its own, so that everybody there has the same password.
ODD_NAMES = ("DOM\\bob", "%{User-Name}", "%", "\\", "\\n", "`id`", "${x}", "#", "a,b", "*", "DEFAULT")
EVERYBODY = RadiusUser("DEFAULT", "hello", NUMBER)
#: FreeRADIUS makes the number out of the name.
DIGITS = RadiusUser("7654321", "hello", "+49170%{User-Name}")
PROMPT = "Grüße, C:\\new \"quoted\" 'single' %{User-Name} `id` ${x} → {number} code"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    sections = f"""
[challenge]
prompt = '''{PROMPT}'''
wrong_code_prompt = "{"ü" * 126}"
too_many_attempts_text = "line one\\nline two"
[otp]
max_attempts = 2
# All these names have one number.
[limits]
per_number = []
"""
    directory = tmp_path_factory.mktemp("texts")
    with World(directory, sections=sections, users=[*NAMES.values(), DIGITS, EVERYBODY]) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_a_log_in_works_with_any_name_and_password(texts: World, name: str) -> None:
    user = NAMES[name]
    mark = texts.gateway.inbox.mark()

    challenge = texts.log_in(user)
    accepted = texts.answer(user, texts.code_of(user, after=mark), challenge.state)

    assert challenge.reply_messages == (PROMPT.replace("{number}", "+49 *** **67"),)
    assert accepted.code == "accept"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_log_in_works_with_names_that_look_like_code(texts: World, name: str) -> None:
    mark = texts.gateway.inbox.mark()

    challenge = texts.server.log_in(name, EVERYBODY.password)
    code = texts.code_of(EVERYBODY, after=mark)

    assert texts.server.answer(name, code, challenge.state).code == "accept"


def test_a_number_may_be_made_out_of_other_attributes(texts: World) -> None:
    challenge = texts.log_in(DIGITS)
    message = texts.gateway.inbox.wait(number="+491707654321")

    assert texts.answer(DIGITS, message.code, challenge.state).code == "accept"


def test_long_prompts_and_line_breaks_arrive_as_they_are(texts: World) -> None:
    user = NAMES["dots"]
    challenge = texts.log_in(user, NAS_Identifier="other")

    again = texts.answer(user, "wrong", challenge.state)
    last = texts.answer(user, "wrong", challenge.state)

    assert again.reply_messages == ("ü" * 126,)
    assert last.reply_messages == ("line one\nline two",)
