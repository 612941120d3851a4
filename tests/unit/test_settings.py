import os
from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import OnWrongCode, Settings, find_named_files, load_settings

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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "smsotp.toml"


def read(file: Path, text: str) -> Settings:
    file.write_text(text + GATEWAY)
    return load_settings(file)


def problems(file: Path, text: str | bytes) -> list[str]:
    """Return the problems of a file without its name."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert all(problem.startswith(f"{file}: ") for problem in caught.value.problems)
    return [problem.removeprefix(f"{file}: ") for problem in caught.value.problems]


def test_a_route_without_any_gateway_to_name_is_told_so(file: Path) -> None:
    assert problems(file, '[[routes]]\ngateways = ["sms"]\n')[1:] == [
        "routes.1.gateways: there is no gateway 'sms'; there are: none"
    ]


def test_one_gateway_is_a_configuration(file: Path) -> None:
    settings = read(file, "")

    assert settings.otp.length == 6
    assert settings.otp.alphabet == "0123456789"
    assert (settings.otp.ttl, settings.otp.max_attempts, settings.otp.text) == (300, 5, None)
    assert settings.challenge.on_wrong_code is OnWrongCode.CHALLENGE
    assert settings.users.number == ("control:SMSOTP-Phone",)
    assert settings.store.place == "/var/lib/smsotp/smsotp.db"
    assert settings.store.key_path == Path("/var/lib/smsotp/smsotp.key")
    assert (settings.dispatch.retries, settings.dispatch.queue, settings.dispatch.deadline) == (2, 10_000, 30)
    assert list(settings.gateways) == ["mail"]


def test_gateways_keep_the_order_of_the_file(file: Path) -> None:
    table = '[gateways.{}]\nprovider = "smtp"\nSMTPIDENTIFIED = "mail"\nMAILTO = "a@example.com"\n'

    settings = read(file, table.format("zebra") + table.format("ant"))

    assert list(settings.gateways) == ["zebra", "ant", "mail"]


def test_all_problems_are_told_at_once_with_their_key_paths(file: Path) -> None:
    found = problems(
        file,
        """
        [otp]
        length = 3
        lenght = 6
        [challenge]
        on_wrong_code = "ask"
        [users]
        number = ["SMSOTP-Phone", 4]
        [gateways.a]
        [gateways.b]
        provider = "pigeon"
        [gateway]
        """,
    )

    assert [problem.partition("; there are: ")[0] for problem in found] == [
        "otp.length: it must be greater than or equal to 4",
        "otp.lenght: there is no such key here; did you mean length?",
        "challenge.on_wrong_code: it must be 'challenge' or 'reject'",
        'users.number.0: it must be a list and an attribute, for example "control:SMSOTP-Phone"',
        "users.number.1: it must be a text",
        "gateways.a.provider: it must be the name of a provider",
        "gateways.b.provider: there is no provider 'pigeon'",
        "gateway: there is no such key here; did you mean gateways?",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[otp]\nlength = true", "otp.length: it must be a valid integer"),
        ('[otp]\nlength = "6"', "otp.length: it must be a number, written without quotation marks"),
        ('[otp]\nttl = "300"', "otp.ttl: it must be a number, written without quotation marks"),
        ('[dispatch]\nwait = "0.5"', "dispatch.wait: it must be a number, written without quotation marks"),
        ('[dispatch]\nretries = "two"', "dispatch.retries: it must be a number, written without quotation marks"),
        ("[otp]\nlength = 11", "otp.length: it must be less than or equal to 10"),
        ("[otp]\nttl = 29", "otp.ttl: it must be greater than or equal to 30"),
        ("[otp]\nttl = nan", "otp.ttl: it must be a valid integer"),
        ("[challenge]\nuniform = 1", "challenge.uniform: it must be true or false"),
        ("[delivery_log]\ndays = true", "delivery_log.days: it must be a valid number"),
        ('[delivery_log]\ndays = "30"', "delivery_log.days: it must be a number, written without quotation marks"),
        ('[limits]\nprices = { "+" = "x" }', 'limits.prices."+": it must be a number, written without quotation marks'),
        ('[limits]\nprices = { "+" = true }', 'limits.prices."+": it must be a valid number'),
        ("[otp]\ntexts = 1", "otp.texts: it must be a table, written { name = ... }"),
        ("[store]\nkey_file = 1", "store.key_file: it must be a path in quotation marks"),
        ('[store]\nkey = { file = "s3cr3t" }', "store.key: it must be the absolute path of a file"),
        ('[store]\nkey = { file = "/a\\u0000" }', "store.key: it must be the absolute path of a file"),
        ('[store]\nkey = { env = "" }', "store.key: it must be the name of an environment variable"),
        ('[store]\nkey = { env = "A=s3cr3t" }', "store.key: it must be the name of an environment variable"),
        ('[otp]\nalphabet = "012345678"', "otp.alphabet: it must hold at least 10 different digits or letters"),
        ('[otp]\nalphabet = "01234567899"', "otp.alphabet: it must hold at least 10 different digits or letters"),
        ('[otp]\ntexts.de = "Code"', "otp.texts.de: it must contain {otp}, the place of the code"),
        ('[otp]\ntexts."d e" = "{otp}"', 'otp.texts."d e": it must be named by languages'),
        ('[otp]\nalphabet = "0123456789 "', "otp.alphabet: it must hold at least 10 different digits or letters"),
        (
            "[otp]\nlength = 5",
            "guesses.most: 50 wrong codes a day, of 100000 different ones, give a stranger one chance in 2000 a day",
        ),
        ("[otp]\nlength = 5\n[guesses]\nmost = 11", "guesses.most: 11 wrong codes a day"),
        ("[otp]\nlength = 4\n[guesses]\nfree = 2\nmost = 2", "guesses.most: 2 wrong codes a day"),
        ("[guesses]\nmost = 101", "guesses.most: it must be less than or equal to 100"),
        ("[guesses]\nmost = 4", "guesses: free must not be more than most (4)"),
        ("[guesses]\nfirst_wait = 31\nlongest_wait = 30", "guesses: first_wait must not be more than longest_wait"),
        ("[guesses]\nlock = 3599", "guesses.lock: it must be greater than or equal to 3600"),
        ("[guesses]\nfree = 0", "guesses.free: it must be greater than or equal to 1"),
        ("[otp]\nlength = 4\nmax_attempts = 11", "otp: 11 tries for one of 10000 codes are too easy to guess"),
        ('[otp]\ntext = "your code"', "otp.text: it must contain {otp}"),
        ('[otp]\ntext = "{otp}\\u0000"', "otp.text: it must not hold control characters"),
        ('[challenge]\nprompt = ""', "challenge.prompt: it must not be empty"),
        ('[challenge]\nexpired_text = "a\\u0007"', "challenge.expired_text: it must not hold control characters"),
        ("[challenge]\nresend_after = 301", "challenge.resend_after: it must be less than or equal to 300"),
        ("[otp]\nttl = 60\n[challenge]\nresend_after = 61", "challenge.resend_after: it must not be more than otp.ttl"),
        ("[otp]\nttl = 60\n[dispatch]\ndeadline = 61", "dispatch.deadline: it must not be more than otp.ttl"),
        ('[users]\nnumber = "control:SMSOTP-Phone"', "users.number: it must be a list"),
        ('[challenge]\nresend_word = "123456"', "challenge.resend_word: it must not look like a code"),
        (
            '[otp]\nalphabet = "ABCDEFGHIJ"\n[challenge]\nresend_word = "decade"',
            "challenge.resend_word: it must not look like a code",
        ),
        ('[challenge]\nresend_word = " "', "challenge.resend_word: it must have at least 1 character"),
        ('[challenge]\nresend_word = ""', "challenge.resend_word: it must have at least 1 character"),
        ("[users]\nnumber = []", "users.number: it must be a list of 1 to 20 places"),
        ('[users]\nnumber = ["session:X"]', "users.number.0: it must be a list and an attribute"),
        ('[users]\ndefault_region = "de"', "users.default_region: it must be the ISO 3166 code"),
        ('[store]\nurl = "mysql://localhost"', 'store.url: it must be the address of a store; it begins with one of: "sqlite://"'),
        ('[store]\nurl = "/var/lib/smsotp.db"', "store.url: it must be the address of a store"),
        ('[store]\nurl = "sqlite:/var/lib/smsotp.db"', "store.url: it must be the address of a store"),
        ("[store]\nurl = 1", "store.url: it must be the address of a store"),
        ('[store]\nurl = "sqlite://smsotp.db"', 'store.url: it must be "sqlite:///"'),
        ("store = 1", "store: it must be a table, written [store]"),
        ('[store]\nurl = "sqlite:///:memory:"', "store.url: it must name a file"),
        ('[store]\nurl = "sqlite:///var/lib/"', "store.url: it must name a file"),
        ('[store]\nkey = "short"', "store: key must have at least 32 characters"),
        ('[store]\nkey_file = "/var/lib/smsotp/smsotp.db-wal"', "store: key_file must not be a file of the store itself"),
        ('[store]\nkey_file = "smsotp.key"', "store: key_file must be an absolute path"),
        ("[dispatch]\nworkers = 0", "dispatch.workers: it must be greater than or equal to 1"),
        ("[dispatch]\nqueue = 1.5", "dispatch.queue: it must be a valid integer"),
        ('[log]\nlevel = "trace"', "log.level: it must be 'info' or 'debug'"),
        ("otp = 1", "otp: it must be a table, written [otp]"),
        ("gateways = 1", "gateways: each one must be a table of its own, written [gateways.NAME]"),
        ("[gateways]\na = 1", "gateways.a: it must be a table, written [gateways.a]"),
        ('[gateways."a b"]', 'gateways."a b": the name must begin with a letter or digit'),
        ("", "gateways: at least one gateway is needed"),
    ],
)  # fmt: skip
def test_a_bad_value_is_told_with_its_key_path(file: Path, text: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(file, text))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[otp\n", "this is not TOML: Expected ']' at the end of a table declaration (at line 1, column 5)"),
        (b'a = "1"\nb = "\xff"', "line 2: it is not UTF-8 text; save it as UTF-8"),
        (b"#" * 300_000, "it cannot be read: it is larger than 256 KiB: is it the right file?"),
        (b"a = " + b"[" * 5000, "it is nested too deeply"),
        (b"a = " + b"1" * 5000, "this is not TOML: a number has too many digits"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(file: Path, content: bytes, problem: str) -> None:
    assert problems(file, content) == [problem]


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: it cannot be read: No such file or directory"):
        load_settings(tmp_path / "nowhere")


def test_a_directory_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it cannot be read: Is a directory"):
        load_settings(tmp_path)


def test_a_route_to_a_gateway_with_problems_is_no_further_problem(file: Path) -> None:
    text = '[gateways.a]\nprovider = "http"\nURL = "h"\n[[routes]]\ngateways = ["a"]'

    assert problems(file, text) == ["gateways.a.URL: it must begin with http:// or https://"]


def test_a_word_that_nobody_chose_keeps_no_alphabet_from_being_used(file: Path) -> None:
    text = '[otp]\nalphabet = "abcdefghijklmnopqrstuvwxyz"'

    assert read(file, text).challenge.resend_word == "resend"


def test_prompts_may_be_as_long_as_an_attribute_once_the_number_is_in_them(file: Path) -> None:
    longest = "{number}" + "c" * 240

    assert read(file, f'[challenge]\nprompt = "{longest}"').challenge.prompt.source == longest
    assert problems(file, f'[challenge]\nprompt = "{longest}c"{GATEWAY}') == [
        "challenge.prompt: it must not be longer than 253 bytes of UTF-8 once the number is in it; it has 254"
    ]


def test_an_unknown_store_is_one_problem(file: Path) -> None:
    text = f'[store]\nurl = "mysql://me:secret@localhost"\nhost = "db"\nkey = "short"{GATEWAY}'

    (problem,) = problems(file, text)
    assert problem.startswith("store.url: it must be the address of a store")
    assert "secret" not in problem


@pytest.mark.parametrize("url", ["sqlite:///srv/otp/a.db", "sqlite:////srv/otp/a.db"])
def test_the_store_takes_three_slashes_or_four(file: Path, url: str) -> None:
    assert read(file, f'[store]\nurl = "{url}"').store.place == "/srv/otp/a.db"


def test_key_and_key_file_exclude_each_other(file: Path) -> None:
    assert problems(file, f'[store]\nkey = "{"k" * 32}"\nkey_file = "/a"{GATEWAY}') == [
        "store: key and key_file exclude each other: remove one of them"
    ]


def test_the_key_may_stand_in_a_file_or_in_the_environment(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("f" * 32 + "\n")
    monkeypatch.setenv("SMSOTP_TEST_KEY", "e" * 32)

    from_file = read(file, f'[store]\nkey = {{ file = "{tmp_path}/key" }}').store.key
    from_environment = read(file, '[store]\nkey = { env = "SMSOTP_TEST_KEY" }').store.key

    assert from_file
    assert from_file.get_secret_value() == "f" * 32
    assert from_environment
    assert from_environment.get_secret_value() == "e" * 32


def test_a_key_file_with_a_nul_in_its_path_is_told(file: Path) -> None:
    assert any(
        "key_file must be an absolute path" in each
        for each in problems(file, '[store]\nkey_file = "/a\\u0000b"')
    )


def test_two_keys_stand_in_the_configuration_while_it_is_changed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("o" * 32 + "\n")

    keys = f'keys = ["{"n" * 32}", {{ file = "{tmp_path}/old" }}]'
    store = read(file, f"[store]\n{keys}").store

    assert store.given_keys == ("n" * 32, "o" * 32)
    assert find_named_files(file) == [("store.keys", tmp_path / "old")]
    assert "nnn" not in repr(store)
    assert read(file, f'[store]\nkey = "{"n" * 32}"').store.given_keys == ("n" * 32,)
    assert read(file, "").store.given_keys == ()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (f'keys = ["{"n" * 32}"]\nkey = "{"o" * 32}"', "key and keys exclude each other"),
        (f'keys = ["{"n" * 32}"]\nkey_file = "/a"', "keys and key_file exclude each other"),
        (f'keys = ["{"n" * 32}", "short"]', "key must have at least 32 characters"),
        (f'keys = ["{"n" * 32}", "{"n" * 32}"]', "keys holds the same key twice"),
        (f"keys = {['n' * 32, 'o' * 32, 'p' * 32]}", "should have at most 2 items"),
        ("keys = []", "should have at least 1 item"),
    ],
)
def test_keys_that_cannot_be_used_are_told_without_being_repeated(file: Path, lines: str, told: str) -> None:
    (problem,) = [each for each in problems(file, f"[store]\n{lines}") if each.startswith("store")]

    assert told in problem
    assert not any(part in problem for part in ("nnn", "ooo", "short"))


def test_a_secret_that_was_never_filled_in_is_told(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("\n")
    monkeypatch.setenv("SMSOTP_TEST_PASSWORD", "")
    start = '[gateways.a]\nprovider = "http"\nURL = "https://sms.example/"\nPASSWORD = '

    assert problems(file, f'{start}{{ file = "{tmp_path}/password" }}') == [
        f"gateways.a.PASSWORD: {tmp_path}/password is empty"
    ]
    assert problems(file, f'{start}{{ env = "SMSOTP_TEST_PASSWORD" }}') == [
        "gateways.a.PASSWORD: the environment variable SMSOTP_TEST_PASSWORD is empty"
    ]


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("[store]\nkey = ", "store.key"),
        ('[gateways.a]\nprovider = "http"\nURL = "https://sms.example/"\nPASSWORD = ', "gateways.a.PASSWORD"),
    ],
)
def test_a_secret_in_the_environment_that_is_not_utf8_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, before: str, place: str
) -> None:
    monkeypatch.setenv("SMSOTP_TEST_SECRET", os.fsdecode(b"\xe4" * 40))

    assert f"{place}: the environment variable SMSOTP_TEST_SECRET is not UTF-8 text" in problems(
        file, f'{before}{{ env = "SMSOTP_TEST_SECRET" }}'
    )


def test_a_secret_in_a_file_that_is_not_utf8_is_told(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(b"\xe4" * 40)
    start = '[gateways.a]\nprovider = "http"\nURL = "https://sms.example/"\nPASSWORD = '

    assert problems(file, f'{start}{{ file = "{secret}" }}') == [
        f"gateways.a.PASSWORD: {secret} is not UTF-8 text: save it as UTF-8"
    ]


def test_a_byte_order_mark_does_not_matter(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + f"[otp]\nttl = 60{GATEWAY}".encode())

    assert load_settings(file).otp.ttl == 60


def test_secrets_are_masked_when_settings_are_shown(file: Path) -> None:
    settings = read(file, f'[store]\nkey = "{"geheim" * 6}"')

    assert "geheim" not in repr(settings)


def test_the_files_that_a_configuration_names_are_found(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("f" * 32)
    read(file, f'[store]\nkey = {{ file = "{tmp_path}/key" }}')

    assert find_named_files(file) == [("store.key", tmp_path / "key")]


def test_workers_count_for_gateways_that_say_nothing_themselves(tmp_path: Path) -> None:
    file = tmp_path / "smsotp.toml"
    gateways = "".join(
        f'[gateways.{name}]\nprovider = "script"\nSCRIPT = "/bin/true"\n{line}\n'
        for name, line in (("silent", ""), ("own", "CONNECTIONS = 3"))
    )
    file.write_text(f"[dispatch]\nworkers = 5\n{gateways}")

    settings = load_settings(file)

    assert {name: gateway.CONNECTIONS for name, gateway in settings.gateways.items()} == {
        "silent": 5,
        "own": 3,
    }
