"""The tables [smtp_servers.NAME]."""

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from smsotp_plugin.fields.smtp_server import SmtpServer, find_machine_name, read_address

SMALLEST = {"host": "mail.example.com", "sender": "otp@example.com"}


def problem_with(**settings: object) -> str:
    with pytest.raises(ValidationError) as caught:
        SmtpServer.model_validate(SMALLEST | settings)
    return str(caught.value)


def test_the_smallest_definition_is_protected() -> None:
    server = SmtpServer.model_validate(SMALLEST)
    context = server.make_tls_context()

    assert (server.security, server.port, server.timeout) == ("starttls", 587, None)
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_each_security_has_its_usual_port(security: str, port: int) -> None:
    assert SmtpServer.model_validate(SMALLEST | {"security": security}).port == port


def test_without_security_there_is_no_tls() -> None:
    assert SmtpServer.model_validate(SMALLEST | {"security": "none"}).make_tls_context() is None


def test_verification_is_only_switched_off_on_purpose() -> None:
    server = SmtpServer.model_validate(SMALLEST | {"verify": False})
    context = server.make_tls_context()

    assert context is not None
    assert context.verify_mode == ssl.CERT_NONE
    assert server.warnings() == [
        "verify: false accepts any certificate; name the server's own authority in ca_file."
    ]


def test_an_authority_of_ones_own_replaces_those_of_the_system(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")

    context = SmtpServer.model_validate(SMALLEST | {"ca_file": tmp_path / "ca.pem"}).make_tls_context()

    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_a_missing_authority_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in problem_with(ca_file=tmp_path / "ca.pem")


def test_a_file_without_a_certificate_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    assert "must name a file with certificates in PEM form" in problem_with(ca_file=tmp_path / "ca.pem")


def test_an_authority_without_tls_is_a_problem(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")

    assert "no effect" in problem_with(security="none", ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("half", [{"username": "me"}, {"password": "geheim"}])
def test_half_of_the_credentials_is_a_problem_that_does_not_show_them(half: dict[str, str]) -> None:
    text = problem_with(**half)

    assert "belong together" in text
    assert "geheim" not in text


def test_a_nul_character_in_a_password_is_a_problem() -> None:
    assert "NUL" in problem_with(username="me", password="a\0b")


def test_in_clear_over_the_network_is_worth_a_warning() -> None:
    (warning,) = SmtpServer.model_validate(SMALLEST | {"security": "none"}).warnings()

    assert warning.startswith("security: none sends codes")


def test_in_clear_on_the_same_machine_is_not() -> None:
    server = SmtpServer.model_validate(SMALLEST | {"security": "none", "host": "localhost"})

    assert server.warnings() == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sms@example.com", "sms@example.com"),
        ("+49170{x}=a@[192.0.2.1]", "+49170{x}=a@[192.0.2.1]"),
        ("root@localhost", "root@localhost"),
        ("sms@münchen.de", "sms@xn--mnchen-3ya.de"),
        ("jörg@example.com", "jörg@example.com"),
    ],
)
def test_mail_addresses_are_written_as_smtp_wants_them(text: str, address: str) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sms",
        "@example.com",
        "sms@",
        "a b@example.com",
        "a@b@example.com",
        "sms@example.com>",
        "<sms@example.com",
        "sms@example.com\r\nBcc: x@example.com",
        "sms\n@example.com",
        "sms@exa\nmple.com",
        "sms@example.com\n",
        "a\u2028b@example.com",
        "a\x00b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@example..com",
        f"{'a' * 65}@example.com",
        f"{'ä' * 33}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}",
        "a@" + "ä" * 70,
        "a,b@example.com",
        '"a b"@example.com',
    ],
)
def test_anything_else_is_no_mail_address(text: str) -> None:
    with pytest.raises(ValueError, match="mail address"):
        read_address(text)


def test_a_host_beyond_ascii_is_the_one_that_browsers_go_to() -> None:
    assert SmtpServer.model_validate(SMALLEST | {"host": "straße.example"}).host == "xn--strae-oqa.example"


@pytest.mark.parametrize(
    "host",
    ["", "mail.example.com/x", "mail example", "mail\n.example.com", "mail.example.com:587", "10.0.0.256"],
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert "must be a host name" in problem_with(host=host)


@pytest.mark.parametrize("helo", ["radius.example.com", "[192.0.2.7]", "[IPv6:2001:db8::7]"])
def test_the_name_to_greet_with_may_be_a_name_or_a_literal(helo: str) -> None:
    assert SmtpServer.model_validate(SMALLEST | {"helo": helo}).helo == helo


@pytest.mark.parametrize("helo", ["a b", "a\r\nMAIL", "http://x", "é.example", "a" * 300, "-"])
def test_the_name_to_greet_with_cannot_be_anything_else(helo: str) -> None:
    with pytest.raises(ValidationError, match="full host name such as"):
        SmtpServer.model_validate(SMALLEST | {"helo": helo})


def test_the_machine_has_a_full_name_or_none() -> None:
    assert find_machine_name() == "" or "." in find_machine_name()


def test_a_secret_in_the_place_of_a_path_is_not_repeated() -> None:
    found = problem_with(ca_file="hunter2")

    assert "must be an absolute path" in found
    assert "hunter2" not in found
