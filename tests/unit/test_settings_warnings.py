from pathlib import Path

import pytest

from smsotp_plugin.settings import find_warnings, load_settings

GATEWAY = """
[smtp_servers.mail]
host = "localhost"
security = "none"
sender = "radius@example.com"
[gateways.mail]
provider = "smtp"
SMTPIDENTIFIED = "mail"
MAILTO = "{phone}@example.com"
"""
HTTP = """
[gateways.web]
provider = "http"
URL = "https://sms.example.com/"
RETURN_SUCCESS = "OK"
[gateways.web.options]
"""
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "smsotp.toml"
    path.touch(mode=0o600)
    return path


def warnings(file: Path, text: str) -> list[str]:
    """Return the warnings of a file without its name."""
    file.write_text(text)
    return [warning.removeprefix(f"{file}: ") for warning in find_warnings(load_settings(file), file)]


def test_a_tag_without_meaning_in_one_language_is_told(file: Path) -> None:
    assert warnings(file, f'[otp]\ntexts.DE = "{{otp}} {{name}}"\n{GATEWAY}') == [
        "otp.texts.de: {name} has no meaning here and stays as it is; there is {otp}"
    ]


def test_a_plain_configuration_has_no_warnings(file: Path) -> None:
    assert warnings(file, GATEWAY) == []


def test_a_file_with_a_secret_that_everyone_can_read_is_told(file: Path) -> None:
    file.chmod(0o644)

    assert warnings(file, f'[store]\nkey = "{KEY}"{GATEWAY}') == [
        f"everyone on this machine can read it, and it holds secrets (store.key); type: chmod o-rwx {file}"
    ]


def test_a_file_without_secrets_may_be_read_by_everyone(file: Path) -> None:
    file.chmod(0o644)

    assert warnings(file, GATEWAY) == []


def test_a_secrets_own_file_that_everyone_can_read_is_told(file: Path, tmp_path: Path) -> None:
    file.chmod(0o644)
    secret = tmp_path / "key"
    secret.write_text(KEY)
    secret.chmod(0o644)

    assert warnings(file, f'[store]\nkey = {{ file = "{secret}" }}{GATEWAY}') == [
        f"store.key: everyone on this machine can read {secret}; type: chmod o-rwx {secret}"
    ]


def test_each_of_two_keys_is_a_secret(file: Path, tmp_path: Path) -> None:
    file.chmod(0o644)
    old = tmp_path / "old"
    old.write_text("o" * 32)
    old.chmod(0o644)

    assert warnings(file, f'[store]\nkeys = ["{KEY}", {{ file = "{old}" }}]{GATEWAY}') == [
        f"everyone on this machine can read it, and it holds secrets (store.keys); type: chmod o-rwx {file}",
        f"store.keys: everyone on this machine can read {old}; type: chmod o-rwx {old}",
    ]
    assert warnings(file, f'[store]\nkeys = ["{KEY} "]{GATEWAY}')[-1] == (
        "store.keys: the secret begins or ends with a blank or a line break: is that meant?"
    )


def test_a_password_of_a_mail_server_is_a_secret(file: Path) -> None:
    file.chmod(0o644)
    account = GATEWAY.replace("sender", 'username = "u"\npassword = "geheim"\nsender')

    assert "(smtp_servers.mail.password)" in warnings(file, account)[0]


def test_an_odd_password_of_a_mail_server_is_told_once_where_it_stands(file: Path) -> None:
    account = GATEWAY.replace("sender", 'username = "u"\npassword = "geheim "\nsender')
    again = '[gateways.other]\nprovider = "smtp"\nSMTPIDENTIFIER = "mail"\nMAILTO = "{phone}@example.com"\n'

    assert warnings(file, account + again) == [
        "smtp_servers.mail.password: the secret begins or ends with a blank or a line break: is that meant?"
    ]


def test_a_file_that_everyone_can_write_is_told(file: Path) -> None:
    file.chmod(0o602)

    assert warnings(file, GATEWAY) == [f"everyone on this machine can write to it; type: chmod o-w {file}"]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('[challenge]\nprompt = "PIN?"', 'challenge.prompt: it does not contain the word "code"'),
        ('[challenge]\nprompt = "Code for {user}"', "challenge.prompt: {user} has no meaning here"),
        ('[challenge]\nexpired_text = "{otp}"', "challenge.expired_text: {otp} has no meaning here"),
        ('[challenge]\nexpired_text = "{number}"', "challenge.expired_text: {number} has no meaning here"),
        ('[challenge]\nno_number_text = "{reference}"', "challenge.no_number_text: {reference} has no"),
        (
            '[otp]\ntext = "{otp}' + "x" * 155 + '"',
            "otp.text: each code costs 2 SMS, for 161 characters: one",
        ),
        (
            '[otp]\ntext = "{otp}' + "ж" * 65 + '"',
            "otp.text: each code costs 2 SMS, for 71 characters: one SMS holds 70",
        ),
        (
            '[otp]\ntexts.de = "{otp}' + "€" * 78 + '"',
            "otp.texts.de: each code costs 2 SMS, for 84 characters",
        ),
        ('[challenge]\nprompt = "Code <here>"', "challenge.prompt: ocserv shows neither & nor"),
        ('[challenge]\nexpired_text = "Old & used"', "challenge.expired_text: ocserv shows neither & nor"),
        ('[otp]\ntext = "{otp} for {phone}"', "otp.text: {phone} has no meaning here"),
    ],
)
def test_what_is_probably_not_meant_is_told(file: Path, text: str, warning: str) -> None:
    assert [found.startswith(warning) for found in warnings(file, text + GATEWAY)] == [True]


ONE_GATEWAY = """
[gateways.sms]
provider = "http"
URL = "https://g.example"
RETURN_SUCCESS = "OK"
[gateways.sms.options]
to = "{phone}"
text = "{otp}"
"""


@pytest.mark.parametrize(
    "line",
    [
        'default_region = "DE"',
        "max_attempts = 3",
        "resend_after = 60",
        'on_unknown = "stop"',
        "ttl = 300",
        "hedge_after = 2",
        'RETURN_FAIL = "ERR"',
        'CHECK_SSL = "no"',
        'LOG_LEVEL = "debug"',
        'SMSC_HOST = "x"',
        'realms = ["x"]',
        "days = 3",
        "length = 8",
        'prompt = "Code?"',
        'level = "debug"',
    ],
)
def test_a_setting_that_has_become_a_parameter_of_the_gateway_is_told(file: Path, line: str) -> None:
    [warning] = warnings(file, ONE_GATEWAY + line)

    assert warning.startswith(
        f"gateways.sms.options.{line.split(maxsplit=1)[0]}: it is sent to the gateway as a parameter"
    )


@pytest.mark.parametrize("table", ["headers", "PARAMETER"])
def test_every_table_of_free_names_is_looked_at(file: Path, table: str) -> None:
    [warning] = warnings(file, f'{ONE_GATEWAY}[gateways.sms.{table}]\nX-A = "b"\ndefault_region = "DE"\n')

    assert warning.startswith(
        f"gateways.sms.{table}.default_region: it is sent to the gateway as a parameter"
    )


def test_the_usual_names_of_parameters_are_no_settings(file: Path) -> None:
    usual = ("number", "key", "url", "name", "from", "sender", "user", "password", "username", "type", "to2")

    assert warnings(file, ONE_GATEWAY + "".join(f'{name} = "x"\n' for name in usual)) == []


@pytest.mark.parametrize(
    ("otp", "told"),
    [
        ("ttl = 601", ["otp.ttl: 601 s is long: NIST SP 800-63B-4 allows 600 s"]),
        ("ttl = 600", []),
        (
            "length = 5\n[guesses]\nmost = 10",
            [
                "otp.length: 100000 different codes are few: NIST SP 800-63B-4 wants as many as six decimal digits make"
            ],
        ),
        ('length = 5\nalphabet = "0123456789ABCDEF"', []),
    ],
)
def test_codes_that_are_weaker_than_the_standard_wants_them_are_told(
    file: Path, otp: str, told: list[str]
) -> None:
    assert warnings(file, f"[otp]\n{otp}{GATEWAY}") == told


def test_a_code_that_lives_shorter_than_an_sms_takes_is_told(file: Path) -> None:
    [warning] = warnings(file, f"[otp]\nttl = 30\n[challenge]\nresend_after = 10\n{GATEWAY}")

    assert warning.startswith("otp.ttl: 30 s is short")
    assert warnings(file, f"[otp]\nttl = 60\n{GATEWAY}") == []


@pytest.mark.parametrize(
    ("region", "routes", "told"),
    [
        ("DE", ['numbers = "+43"'], True),
        ("DE", ['numbers = "+43"', 'numbers = ["+1", "+44"]'], True),
        ("US", ['numbers = "+49"'], True),
        ("DE", ['numbers = "+49170"'], False),
        ("DE", ['numbers = "+4"'], False),
        ("DE", ['numbers = "+43"', 'realms = "x"'], False),
        ("DE", [], False),
    ],
)
def test_routes_that_leave_out_the_default_region_are_told(
    file: Path, region: str, routes: list[str], *, told: bool
) -> None:
    tables = "".join(f'[[routes]]\ngateways = ["mail"]\n{route}\n' for route in routes)
    found = warnings(file, f'[users]\ndefault_region = "{region}"\n{GATEWAY}{tables}')

    assert [
        warning.startswith("routes: none takes numbers of users.default_region") for warning in found
    ] == ([True] if told else [])


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("geheim", None),
        ("two words", None),
        ("pässwörd", None),
        ("geheim ", "begins or ends with a blank"),
        ("\tgeheim", "begins or ends with a blank"),
        ("ge\u200bheim", "holds the character U+200B, which nobody sees"),
        ("ge\u00a0heim", "holds the character U+00A0"),
        ("ge\ufe0fheim", "holds the character U+FE0F"),
        ("ge\u034fheim", "holds the character U+034F"),
        ("ge\u3164heim", "holds the character U+3164"),
        ("geheim\nzweite", "holds the character U+000A"),
        ("\ufeff\ufeffgeheim", "holds the character U+FEFF"),
    ],
)
@pytest.mark.parametrize("place", ["PASSWORD", "options.key"])
def test_a_secret_that_cannot_be_meant_so_is_told(
    file: Path, tmp_path: Path, place: str, secret: str, said: str | None
) -> None:
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8-sig")
    if place == "PASSWORD":
        found = warnings(
            file, ONE_GATEWAY.replace("RETURN", f'USERNAME = "me"\nPASSWORD = {{ file = "{path}" }}\nRETURN')
        )
    else:
        found = warnings(file, f'{ONE_GATEWAY}key = {{ file = "{path}" }}')

    assert found == ([] if said is None else [found[0]])
    if said:
        assert found[0].startswith(f"gateways.sms.{place}: the secret {said}")
        assert "geheim" not in found[0]


def test_a_gateways_own_warnings_carry_its_key_path(file: Path) -> None:
    assert warnings(file, GATEWAY + 'LOG_LEVEL = "debug"')[0].startswith(
        "gateways.mail.LOG_LEVEL: debug writes"
    )


def test_parameters_that_hold_no_secret_are_not_called_secrets(file: Path) -> None:
    file.chmod(0o644)

    assert (
        warnings(file, HTTP + 'to = "{phone}"\ntext = "{otp}"\nFrom = "+15017122661"\ntoken = "{otp}"') == []
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", '"abc"'),
        ("Password", '"geheim"'),
        ("authtoken", '["a", "b"]'),
        ("u", '"f3a91b7c0d2e4f60"'),
    ],
)
def test_a_parameter_that_is_a_secret_by_its_name_or_look_is_told_by_its_name(
    file: Path, name: str, value: str
) -> None:
    file.chmod(0o644)

    told = f"everyone on this machine can read it, and it holds secrets (gateways.web.options.{name})"
    assert warnings(file, HTTP + f'to = "{{phone}}"\ntext = "{{otp}}"\n{name} = {value}') == [
        f"{told}; type: chmod o-rwx {file}"
    ]


def test_a_parameters_own_file_is_a_secrets_file(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("geheim")
    secret.chmod(0o646)

    assert warnings(file, HTTP + f'to = "{{phone}}"\ntext = "{{otp}}"\nt = {{ file = "{secret}" }}') == [
        f"gateways.web.options.t: everyone on this machine can read and write to {secret}; type: chmod o-rwx {secret}"
    ]


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        ("", "", True),
        ('numbers = "+49"', 'numbers = "+49"', True),
        ('numbers = ["+49", "+43"]', 'numbers = "+43"', True),
        ('realms = ["a", "b"]\nlanguages = "de"', 'realms = "B"\nlanguages = "DE"', True),
        ('numbers = "+43"', 'numbers = ["+49", "+43"]', False),
        ('numbers = "+49"', 'numbers = "+491"', False),
        ("", 'numbers = "+49"', False),
        ('realms = "a"', "", False),
        ('languages = "de"', 'languages = "de-AT"', False),
        ('realms = "a"', 'languages = "a"', False),
    ],
)
def test_a_route_that_is_never_used_is_told(file: Path, first: str, second: str, *, is_told: bool) -> None:
    routes = "".join(f'[[routes]]\ngateways = ["mail"]\n{conditions}\n' for conditions in (first, second))

    found = [warning for warning in warnings(file, GATEWAY + routes) if warning.startswith("routes.")]

    assert (
        found
        == ["routes.2: it is never used: routes.1, which comes before it, takes all that it would take"]
        * is_told
    )
