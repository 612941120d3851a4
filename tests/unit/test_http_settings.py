"""What the provider ``http`` accepts in the configuration file, and how it says no."""

from pathlib import Path

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from smsotp_plugin.fields.web import read_web_address
from smsotp_plugin.providers.http.settings import HttpSettings
from tests.support.http_settings import GOOD, folder, problems, read

__all__ = ["folder"]


def test_a_good_gateway_has_no_warnings(folder: Path) -> None:
    assert read(folder, GOOD).warnings() == []


def test_url_is_required_without_a_preset(folder: Path) -> None:
    assert problems(folder, 'provider = "http"') == [
        ": URL is missing: write the address of the gateway, or choose a preset"
    ]


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("gateway.example/send", "must begin with http:// or https://"),
        ("ftp://gateway.example/", "must begin with http:// or https://"),
        ("https://", "must have a host"),
        ("https://{phone}.example/", "must have a host"),
        ("https://gateway.example:0/", "has a port"),
        ("https://gateway.example:99999/", "has a port"),
        ("https://[::1/", "is not a URL"),
        ("https://gateway.example/a b", "must not contain blanks"),
        ("https://gateway.example/a\\r\\nX: b", "must not contain blanks or control"),
        ("https://gateway.example/send?text={otp}&note=100%", 'has a "%" that begins no escape'),
        ("https://gateway.example/100%/send", 'has a "%" that begins no escape'),
        ("https://gateway.example/send?a=%zz", 'has a "%" that begins no escape'),
        ("https://gateway.example/send?a=%{otp}", 'has a "%" that begins no escape'),
        ("https://me:50%@gateway.example/", 'has a "%" that begins no escape'),
        ("https://gateway.example/send?a=b#c={otp}", 'must not contain "#"'),
        ("https://me:pass#word@gateway.example/", 'must not contain "#"'),
        ("https://gateway..example/", "has a host that is neither a name nor an address"),
        ("https://-gateway.example/", "has a host that is neither a name nor an address"),
        ("https://xn--\\u00fc\\u0301..example/", "has a host that is neither a name nor an address"),
    ],
)
def test_a_bad_url_is_a_problem(folder: Path, url: str, advice: str) -> None:
    assert f".URL: it {advice}" in problems(folder, f'provider = "http"\nURL = "{url}"')[0]


def test_a_filled_parameter_and_an_option_may_not_share_a_name(folder: Path) -> None:
    text = GOOD + 'USERNAME = "me"\nPASSWORD = "hidden"\nPARAMETER.PASSWORD = "other"'

    assert problems(folder, text) == [
        ".PARAMETER.PASSWORD: it has the same name as the parameter PASSWORD, which is filled: empty one of them"
    ]


def test_an_option_may_have_the_name_of_a_parameter_that_is_not_filled(folder: Path) -> None:
    text = 'provider = "http"\nURL = "https://g.example"\nPASSWORD = ""\noptions = { PASSWORD = "{phone}", USERNAME = "{otp}" }'

    assert set(read(folder, text).maker.fields) == {"PASSWORD", "USERNAME"}


def test_an_option_and_a_filled_parameter_of_one_name_is_a_problem_even_at_its_default(folder: Path) -> None:
    text = 'provider = "http"\nURL = "https://g.example"\nTIMEOUT = 3\noptions = { TIMEOUT = "x", URL = "y" }'

    found = problems(folder, text)

    assert [problem.partition(":")[0] for problem in found] == [".options.TIMEOUT", ".options.URL"]


def test_the_same_key_in_options_and_parameter_is_a_problem(folder: Path) -> None:
    assert problems(folder, GOOD + 'PARAMETER = { to = "x" }') == [
        ".options.to: it stands in PARAMETER too: write it in one place".replace("it stands", "stands")
    ]


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = """
provider = "http"
URL = "https://a:b@gateway.example/"
HTTP_METHOD = "PUT"
USERNAME = "me"
CHECK_SSL = "/nowhere/ca.pem"
PROXY = "socks5://proxy.example"
TIMEOUT = 0
RETURN_STATUS = [200, 404]
headers = { Host = "x", Authorization = "x", "a b" = "x", X = "a\\nb" }
options = { to = 1979-05-27, table = { a = 1 } }
"""
    found = [problem.partition(": ")[0] for problem in problems(folder, text)]

    assert set(found) == {
        ".HTTP_METHOD",
        ".USERNAME",
        ".CHECK_SSL",
        ".PROXY",
        ".TIMEOUT",
        ".RETURN_STATUS.1",
        ".headers.Host",
        ".headers.Authorization",
        '.headers."a b"',
        ".headers.X",
        ".options.to",
        ".options.table",
    }


def test_no_problem_repeats_a_secret(folder: Path) -> None:
    text = 'provider = "http"\nURL = "https://me:hidden@gateway.example:x/"\nPASSWORD = ["hidden"]\nPROXY = "hidden://x"'

    assert "hidden" not in "".join(problems(folder, text))


def test_nothing_secret_is_in_the_repr(folder: Path) -> None:
    settings = read(
        folder,
        GOOD + 'USERNAME = "me"\nPASSWORD = "hidden"\nPROXY = "http://a:hidden@b"\nheaders.K = "hidden"',
    )

    assert "hidden" not in repr(settings)
    assert "hidden" not in repr(settings.maker)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", True), ("false", False), ('"yes"', True), ('"no"', False), ('"No"', False)],
)
def test_check_ssl_takes_the_words_of_the_documentation(folder: Path, written: str, meant: object) -> None:
    assert read(folder, GOOD + f"CHECK_SSL = {written}").CHECK_SSL is meant


def test_check_ssl_takes_a_file_with_certificates(folder: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(folder / "ca.pem"))

    assert folder / "ca.pem" == read(folder, GOOD + f'CHECK_SSL = "{folder}/ca.pem"').CHECK_SSL


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_check_ssl_refuses_a_file_without_certificates(folder: Path, content: str) -> None:
    (folder / "ca.pem").write_text(content)

    assert "holds none" in problems(folder, GOOD + f'CHECK_SSL = "{folder}/ca.pem"')[0]


def test_parameters_that_are_empty_texts_are_not_filled(folder: Path) -> None:
    empty = 'HTTP_METHOD = ""\nUSERNAME = ""\nPASSWORD = ""\nPROXY = ""\nREGEXP = ""\nTIMEOUT = ""\nCHECK_SSL = ""'

    assert read(folder, GOOD + empty).maker.method == "GET"


def test_credentials_of_the_url_are_decoded_and_leave_it() -> None:
    address = read_web_address("https://m%40e:p%3Aw%40@Gateway.EXAMPLE/a?b=c")

    assert (address.username, address.password.get_secret_value()) == ("m@e", "p:w@")
    assert (address.host, address.port, address.target) == ("gateway.example", 443, "/a?b=c")


def test_credentials_of_the_url_become_basic_authentication(folder: Path) -> None:
    maker = read(folder, GOOD.replace("https://", "https://me:p%40ss@")).maker

    assert maker.headers["Authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("line", "beginning"),
    [
        ("CHECK_SSL = false", "CHECK_SSL: without this check"),
        ('RETURN_FAIL = "ERR"', "RETURN_FAIL: both texts"),
        ('SEND_DATA_AS_JSON = "yes"', "SEND_DATA_AS_JSON: has no effect with GET"),
        ('PASSWORD = "x"', "PASSWORD: is not used without USERNAME"),
        ('HTTP_PROXY = "proxy:3128"', "HTTP_PROXY: is not used, because URL begins with https"),
        ('PROXY = "proxy:1"\nHTTPS_PROXY = "proxy:2"', "PROXY: is not used"),
        ("CONNECT_TIMEOUT = 5", "CONNECT_TIMEOUT: is longer than TIMEOUT"),
        ('headers.X = "{mobile}"', "headers.X: {mobile} has no meaning"),
        ('LOG_LEVEL = "debug"', "LOG_LEVEL: debug"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(folder: Path, line: str, beginning: str) -> None:
    [warning] = read(folder, GOOD + line).warnings()

    assert warning.startswith(beginning)


@pytest.mark.parametrize(
    ("change", "beginning"),
    [
        (("https://", "http://"), "URL: plain http"),
        (('RETURN_SUCCESS = "OK"', ""), "RETURN_SUCCESS: is empty"),
    ],
)
def test_what_a_gateway_lacks_is_warned_of(folder: Path, change: tuple[str, str], beginning: str) -> None:
    assert any(warning.startswith(beginning) for warning in read(folder, GOOD.replace(*change)).warnings())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("{phone}", "49170"),
            "the tag {phone} is missing: write {phone}, or the gateway is not told the number",
        ),
        (("{phone}", "{number}"), "the tag {phone} is missing: write {phone} for {number}, or the gateway"),
        (("{otp}", "{code}"), "the tag {otp} is missing: write {otp} for {code}, or no SMS holds the code"),
        (("{otp}", "{opt}"), "the tag {otp} is missing: write {otp} for {opt}, or"),
        (("{otp}", "code"), "the tag {otp} is missing: write {otp}, or no SMS holds the code"),
    ],
)
def test_a_request_without_number_or_code_is_a_problem(
    folder: Path, change: tuple[str, str], problem: str
) -> None:
    [found] = problems(folder, GOOD.replace(*change))

    assert found.startswith(f".options: {problem}")


def test_a_preset_brings_the_code_and_a_url_may_hold_the_number(folder: Path) -> None:
    text = 'provider = "http"\npreset = "twilio"\nUSERNAME = "AC1"\nPASSWORD = "x"\noptions = { From = "+1" }'

    assert read(folder, text).problems() == []


def test_return_success_that_also_matches_errors_is_warned_of(folder: Path) -> None:
    text = """
provider = "http"
URL = "https://api.clickatell.com/http/sendmsg"
RETURN_SUCCESS = "ID"
options = { user = "me", password = "x", api_id = "1", to = "{phone}", text = "{otp}" }
"""
    [warning] = read(folder, text).warnings()

    assert warning.startswith("RETURN_SUCCESS: this text is also in errors")


@pytest.mark.parametrize(
    ("preset", "needs"),
    [
        (
            "clickatell",
            "USERNAME and PASSWORD and options.api_id (the id of the HTTP API in your Clickatell account)",
        ),
        ("gtx", "USERNAME and PASSWORD"),
        ("twilio", "USERNAME and PASSWORD and options.From (your Twilio number, or MessagingServiceSid)"),
    ],
)
def test_a_preset_says_what_it_needs(folder: Path, preset: str, needs: str) -> None:
    assert problems(folder, f'provider = "http"\npreset = "{preset}"') == [
        f".preset: it has to be completed: write {needs}"
    ]


def test_an_unknown_preset_is_told_which_there_are(folder: Path) -> None:
    assert problems(folder, 'provider = "http"\npreset = "nexmo"') == [
        ".preset: it must be 'clickatell', 'gtx' or 'twilio'"
    ]


def test_a_user_name_without_a_password_is_a_problem(folder: Path) -> None:
    assert problems(folder, GOOD + 'USERNAME = "me"')[0].startswith(
        ".USERNAME: it is filled and PASSWORD is not"
    )


TOML_VALUES = st.recursive(
    st.text(max_size=20) | st.booleans() | st.integers() | st.floats() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
URLS = st.builds(
    "{}://{}/{}".format, st.sampled_from(["http", "https", "x"]), st.text(max_size=12), st.text(max_size=12)
)


@settings(max_examples=500)
@given(
    table=st.dictionaries(
        st.sampled_from(sorted(HttpSettings.model_fields)),
        TOML_VALUES | URLS | st.sampled_from(["gtx", "yes", "POST"]),
    )
)
def test_any_table_is_read_or_is_a_problem(table: dict[str, object]) -> None:
    try:
        gateway = HttpSettings.model_validate({**table, "provider": "http"})
    except ValidationError:
        return
    assert gateway.warnings() is not None


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("PARAMETER = 1", ".PARAMETER: it must be a table"),
        ("RETURN_STATUS = 200", ".RETURN_STATUS: it must be a list of statuses"),
        ('SEND_DATA_AS_JSON = "maybe"', '.SEND_DATA_AS_JSON: it must be true, false, "yes" or "no"'),
        ('CHECK_SSL = "ca.pem"', ".CHECK_SSL: it must be true, false, or the full path"),
        ("PROXY = 1", ".PROXY: it must be a text"),
        ("headers = { X = 1 }", ".headers.X: it must be a text"),
        ("PARAMETER = { n = inf }", ".PARAMETER.n: it must be a finite number"),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_the_right_one(folder: Path, line: str, advice: str) -> None:
    assert problems(folder, GOOD + line)[0].startswith(advice)
