import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_mocks.gateways.smtp.mail import BadMail, Mail, find_number, read_mail


@given(
    st.lists(
        st.sampled_from(
            [
                b"Subject: ",
                b"Content-Type: ",
                b"multipart/mixed; boundary=a",
                b"text/plain; charset=",
                b"utf-8",
                b"\0",
                b"\n",
                b"\n\n",
                b"--a",
                b"--a--",
                b'"',
                b"=?utf-8?b?",
                b"Content-Transfer-Encoding: base64",
                b"<",
                b"@",
                b"\xff",
                b"(",
                b":",
            ]
        )
    ).map(b"".join)
    | st.binary()
)
def test_any_bytes_are_a_mail_or_bad(source: bytes) -> None:
    with contextlib.suppress(BadMail):
        mail = read_mail(source)
        find_number("a@b", mail)
        mail.subject.encode()
        mail.text.encode()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"Subject: x\r\n\r\none\r\ntwo\r\n", "one\ntwo"),
        (b'Content-Type: text/plain; charset="nope"\n\n\xc3\xbc', "ü"),
        (b'Content-Type: text/plain; charset="\0"\n\nx', "x"),
        (b"Content-Type: text/plain; charset=iso-8859-1\n\n\xfc", "ü"),
        (b"Content-Type: text/html\n\n<p>x", "<p>x"),
        (b"Content-Type: image/png\n\nx", ""),
        (b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nhello\n--a--\n", "hello"),
        (b"", ""),
    ],
)
def test_the_text_of_a_mail(source: bytes, text: str) -> None:
    assert read_mail(source).text == text


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("+491701234567", "+491701234567"),
        ("+49 170 1234567", "+491701234567"),
        ("SMS to +49 (170) 123-45.67, please", "+491701234567"),
        ("+49 (0)170 1234567", "+491701234567"),
        ("+49\u00a0170\u00a01234567", "+491701234567"),
        ("0049 170 1234567", "00491701234567"),
        ("0170/1234567", "01701234567"),
        ("(0170) 1234567", "01701234567"),
        ("491701234567", "491701234567"),
        ("job 12 491701234567", "491701234567"),
        ("+49\u2011170\u20131234567", "+491701234567"),
        ("+49\u2009170\t1234567", "+491701234567"),
        ("+49_170_1234567", "+491701234567"),
        ("+49 [170] 1234567", "+491701234567"),
        ("\uff0b\uff14\uff19\uff11\uff17\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17", "+491701234567"),
        ("\u202a+49\u200b1701234567\u202c", "+491701234567"),
        ("49 170 1234567", "491701234567"),
        ("SMS to 170 1234567", None),
        ("+49 170", None),
        ("+49170123456789012345", None),
        ("no number", None),
    ],
)
def test_a_number_in_the_subject_is_taken_whole_or_not_at_all(subject: str, number: str | None) -> None:
    assert find_number("sms@example.com", Mail(subject, "text")) == number


@pytest.mark.parametrize(
    "local", ["+49-170-1234567", "sms.+49.170.1234567", "0049-170-1234567", "49-170-1234567"]
)
def test_a_number_in_the_address_is_taken_whole(local: str) -> None:
    number = find_number(f"{local}@example.com", Mail("", ""))

    assert number is not None
    assert number.lstrip("+0") == "491701234567"
