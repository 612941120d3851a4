"""The fixture that looks for secrets in logs finds them."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.leaks import Secrets, forms_of

LEAKS = {
    "in clear": 'log.info("sent to +491701234567")',
    "as an argument": 'log.debug("text: %s", "Your code is 123456.")',
    "in base64": f'log.info("{base64.b64encode(b"smpp:smpppass").decode()}")',
    "in hexadecimal": f'log.warning("{b"code 734921".hex().upper()}")',
    "of somebody else": 'logging.getLogger("another.library").warning("retrying /?to=%2B491701234567")',
    "made in the test": 'log.info(CodeMaker(b"k" * 32, 6, "0123456789", lambda size: b"r" * size).code("s"))',
    "of letters": 'log.info("id %s", CodeMaker(b"k" * 32, 6, "ABCDEFGHIJ", lambda size: b"r" * size).code("s"))',
    "of small letters": 'log.info("answered: OTP=%s.", CodeMaker(b"k" * 32, 8, "abcdefghij", bytes).code("s"))',
    "of both": 'log.info("%s", CodeMaker(b"k" * 32, 10, "abcdeABCDE0123", bytes).code("s"))',
    "in a word of letters": 'log.info("id OTP%sX", CodeMaker(b"k" * 32, 6, "0123456789", bytes).code("s"))',
    "after the name of a log-in": 'log.info("challenge %sabc %s", *2 * [CodeMaker(b"k" * 32, 6, "0123456789", bytes).code("s")])',
    "as the name of a log-in": 'log.info("challenge %s", CodeMaker(b"k" * 32, 8, "0123456789", bytes).code("s"))',
    "added by the test": 'secrets.add("tr0ub4dor"); log.info("password tr0ub4dor")',
    "elsewhere": 'secrets.look_in("radius.log", lambda: "Login OK: [bob/123456]")',
    "in a thread": 't = threading.Thread(target=log.info, args=("491701234567",)); t.start(); t.join()',
    "past the log's set-up": 'configure_log(lambda *_: None, logging.INFO); log.info("123456")',
}
CLEAN = {
    "in the name of a log-in": 'log.info("challenge %sab is", CodeMaker(b"k" * 32, 6, "0123456789", bytes).code("s"))',
    "in a name of digits alone": 'log.info("message 77349215 is sent")',
    "masked": 'log.info("sent to +49 *** **67")',
    "another library's details": 'logging.getLogger("urllib3").debug("GET /?text=123456")',
    "the mocks'": 'logging.getLogger("smsotp_mocks").info("123456")',
    "an exception's text": 'try: int("code 123456")\n    except ValueError: log.exception("failed")',
}
TEST = """
import logging, threading
import pytest
from smsotp_plugin.log import configure_log
from smsotp_plugin.codes.onetime import CodeMaker
log = logging.getLogger("smsotp.test")
{mark}
def test_it(secrets):
    {body}
"""


def run(pytester: pytest.Pytester, body: str, mark: str = "") -> pytest.RunResult:
    pytester.makeconftest("from tests.support.leaks import secrets")
    pytester.makeini("[pytest]\nmarkers = shows_secrets")
    pytester.makepyfile(TEST.format(body=body, mark=mark))
    return pytester.runpytest_inprocess()


@pytest.mark.shows_secrets
@pytest.mark.parametrize("body", LEAKS.values(), ids=LEAKS)
def test_a_leak_fails_the_test_that_made_it(pytester: pytest.Pytester, body: str) -> None:
    result = run(pytester, body)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["Secrets were logged:"])


@pytest.mark.shows_secrets
@pytest.mark.parametrize("body", CLEAN.values(), ids=CLEAN)
def test_what_the_plugin_does_not_write_is_no_leak(pytester: pytest.Pytester, body: str) -> None:
    run(pytester, body).assert_outcomes(passed=1)


@pytest.mark.shows_secrets
def test_a_test_of_the_debug_level_may_show_them(pytester: pytest.Pytester) -> None:
    run(pytester, 'log.debug("123456")', "@pytest.mark.shows_secrets").assert_outcomes(passed=1)


@pytest.mark.shows_secrets
def test_a_servers_log_in_the_tests_directory_is_searched(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.support.leaks import secrets")
    pytester.makepyfile(
        'def test_it(tmp_path):\n    (tmp_path / "radius.log").write_text("Login OK: [bob/123456]")'
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=1, errors=1)


@pytest.mark.shows_secrets
@pytest.mark.parametrize("column", ["gateway_id", "detail", "user"])
def test_what_a_store_keeps_in_the_tests_directory_is_searched(
    pytester: pytest.Pytester, column: str
) -> None:
    pytester.makeconftest("from tests.support.leaks import secrets")
    pytester.makepyfile(
        f"""
        import contextlib, sqlite3
        def test_it(tmp_path):
            with contextlib.closing(sqlite3.connect(tmp_path / "some.db")) as connection:
                connection.execute("CREATE TABLE events (gateway, gateway_id, detail, user, number)")
                connection.execute("INSERT INTO events ({column}) VALUES ('OK 123456')")
                connection.commit()
            (tmp_path / "broken.db").write_text("no database")
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=1, errors=1)


@given(st.binary(max_size=20), st.text(min_size=6, max_size=20), st.binary(max_size=20))
def test_a_secret_is_found_wherever_it_stands_in_encoded_text(
    before: bytes, secret: str, after: bytes
) -> None:
    forms = forms_of(secret)
    whole = before + secret.encode() + after

    assert any(form in base64.b64encode(whole).decode() for form in forms)
    assert any(form in base64.urlsafe_b64encode(whole).decode() for form in forms)
    assert any(form in whole.hex() for form in forms)
    assert any(form in quote(whole, safe="") for form in forms)


def test_a_secret_that_would_be_found_by_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Secrets().add("hello")
