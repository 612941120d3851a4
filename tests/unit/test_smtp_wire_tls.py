"""The SMTP wire: STARTTLS, TLS from the first byte, and certificates."""

import ssl

import pytest
import trustme
from pydantic import SecretStr

from smsotp_plugin.errors import (
    ConnectFailed,
)
from tests.support.smtp_peer import MAIL, PoolTo, Start, soon


def test_a_server_without_starttls_gets_neither_login_nor_mail(start: Start, pool_to: PoolTo) -> None:
    server = start(EHLO=b"250-here\r\n250 AUTH PLAIN\r\n")
    pool = pool_to(
        server, tls=ssl.create_default_context(), starttls=True, username="me", password=SecretStr("secret")
    )

    with pytest.raises(ConnectFailed, match="does not offer STARTTLS"):
        pool.send(MAIL, soon())

    assert server.lines == [b"EHLO [127.0.0.1]\r\n"]


def test_bytes_slipped_in_behind_the_answer_to_starttls_end_the_connection(
    start: Start, pool_to: PoolTo
) -> None:
    server = start(STARTTLS=b"220 go\r\n250 AUTH PLAIN\r\n")

    with pytest.raises(ConnectFailed, match="bytes in clear"):
        pool_to(server, tls=ssl.create_default_context(), starttls=True).send(MAIL, soon())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_offers_are_asked_for_again_inside_tls(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = start(tls=server_side)

    answer = pool_to(server, tls=client_side, starttls=True).send(MAIL, soon())

    assert answer.code == 250
    assert [line.split()[0] for line in server.lines[:4]] == [b"EHLO", b"STARTTLS", b"EHLO", b"MAIL"]


def test_tls_from_the_first_byte_needs_no_starttls_and_is_kept_for_the_next_mail(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, client_side: ssl.SSLContext
) -> None:
    server = start(tls=server_side, implicit=True)
    pool = pool_to(server, tls=client_side)

    codes = [pool.send(MAIL, soon()).code for _ in range(2)]

    assert codes == [250, 250]
    assert server.connections == 1
    assert b"STARTTLS\r\n" not in server.lines


@pytest.mark.parametrize("how", ["tls", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_refused_with_the_reason(
    start: Start, pool_to: PoolTo, server_side: ssl.SSLContext, how: str
) -> None:
    server = start(tls=server_side, implicit=how == "tls")

    with pytest.raises(ConnectFailed, match="certificate is not accepted"):
        pool_to(server, tls=ssl.create_default_context(), starttls=how == "starttls").send(MAIL, soon())


def test_a_server_that_speaks_no_tls_gets_nothing(
    start: Start, pool_to: PoolTo, client_side: ssl.SSLContext
) -> None:
    with pytest.raises(ConnectFailed, match="no TLS with"):
        pool_to(start(), tls=client_side).send(MAIL, soon())
