"""The HTTP provider: how it judges what a gateway answers, and what of it is told."""

import logging
import re
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AuthFailed,
    CreditExhausted,
    DeliveryError,
    GatewayUnavailable,
    ProtocolViolation,
    Refused,
    Throttled,
    Unknown,
)
from smsotp_plugin.sms.message import Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire.http.client import make_response, retry_after, text_of
from tests.support.http_provider import NOW, NUMBER, answer, provider, sms


@pytest.mark.parametrize("status", [200, 201, 202])
def test_without_texts_the_status_decides(status: int) -> None:
    assert provider().judge(answer(status)) == Receipt()


def test_return_success_must_be_in_the_answer() -> None:
    gateway = provider(RETURN_SUCCESS="sent")

    assert gateway.judge(answer(text="message sent.")) == Receipt()
    with pytest.raises(Refused, match="RETURN_SUCCESS"):
        gateway.judge(answer(text="message refused for 123456"))
    with pytest.raises(ProtocolViolation):
        gateway.judge(answer(text=" \n"))


def test_return_fail_must_not_be_in_the_answer() -> None:
    gateway = provider(RETURN_FAIL="ERR")

    assert gateway.judge(answer(text="fine")) == Receipt()
    with pytest.raises(Refused, match="RETURN_FAIL"):
        gateway.judge(answer(text="ERR 5"))


def test_with_both_texts_a_failure_wins() -> None:
    gateway = provider(RETURN_SUCCESS="queued", RETURN_FAIL="REJECTED")

    with pytest.raises(Refused):
        gateway.judge(answer(text="queued, REJECTED"))


def test_return_status_can_be_widened() -> None:
    assert provider(RETURN_STATUS=[204]).judge(answer(204, "")) == Receipt()
    with pytest.raises(Unknown, match="RETURN_STATUS"):
        provider().judge(answer(204, ""))


#: What certainly means that nothing was sent, and what does not, after GET and after POST.
EITHER_WAY = {
    300: Unknown, 303: Unknown, 304: Unknown, 305: Unknown, 307: GatewayUnavailable, 308: GatewayUnavailable,
    400: Refused, 401: AuthFailed, 402: CreditExhausted, 403: AuthFailed, 404: Refused, 405: Refused, 407: AuthFailed,
    408: Unknown, 409: Unknown, 410: Refused, 413: Refused, 415: Refused, 417: Refused, 418: Refused,
    421: GatewayUnavailable, 422: Refused, 424: Refused, 425: GatewayUnavailable, 426: GatewayUnavailable, 428: Refused,
    429: Throttled, 431: Refused, 451: Refused, 499: Unknown,
    206: Unknown, 500: Unknown, 502: Unknown, 503: GatewayUnavailable, 504: Unknown, 999: Unknown,
}  # fmt: skip
STATUSES = [
    *((method, status, error) for method in ("GET", "POST") for status, error in EITHER_WAY.items()),
    ("GET", 301, GatewayUnavailable),
    ("GET", 302, GatewayUnavailable),
    ("POST", 301, Unknown),
    ("POST", 302, Unknown),
]


@pytest.mark.parametrize(("method", "status", "error"), STATUSES)
def test_each_status_has_one_meaning_after_each_method(
    method: str, status: int, error: type[DeliveryError]
) -> None:
    with pytest.raises(DeliveryError) as caught:
        provider(RETURN_SUCCESS="OK").judge(answer(status, method=method))

    assert type(caught.value) is error


def test_what_is_no_redirect_is_not_called_one() -> None:
    with pytest.raises(Unknown, match="status 304, which only a cache"):
        provider().judge(answer(304))


def test_the_page_tells_what_each_status_means() -> None:
    page = (Path(__file__).parents[2] / "docs" / "providers-http.md").read_text()
    meanings = {
        AuthFailed: "not sent, the credentials are wrong",
        CreditExhausted: "not sent, the account is empty",
        Throttled: "not sent; `Retry-After` is respected",
        GatewayUnavailable: "not sent",
        Refused: "refused",
        Unknown: "unknown",
    }
    rows = {
        (method, int(status)): meaning.strip()
        for statuses, *cells in re.findall(r"^\| ([0-9, ]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
        for status in statuses.split(",")
        for method, meaning in zip(("GET", "POST"), cells, strict=True)
    }

    known = {(method, status): error for method, status, error in STATUSES if 300 <= status < 500}
    others = {key for key in known if key not in rows}
    assert {known[key] for key in others} == {Refused}
    for key in known.keys() - others:
        assert rows[key].startswith(meanings[known[key]]), key


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("99999999999999999999", 3600.0), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2021 08:00:30 GMT", 0.0), ("soon", None), ("-1", None), ("", None), ("²", None),
        ("Mon, 99 Foo 99999 99:99:99", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_both_forms_and_bounded(
    status: int, value: str, seconds: float | None
) -> None:
    with pytest.raises((Throttled, GatewayUnavailable)) as caught:
        provider().judge(answer(status, headers={"retry-after": value}))

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "written",
    ["Fri Jan 15 08:00:30 2027", "Friday, 15-Jan-27 08:00:30 GMT", "Fri, 15 Jan 2027 08:00:30 -0000"],
)
def test_a_moment_of_retry_after_is_in_utc_wherever_the_server_stands(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        found = retry_after(make_response(429, {"retry-after": written}, b""), NOW)
    time.tzset()

    assert found == 30.0


def test_the_answer_is_not_repeated_in_errors() -> None:
    with pytest.raises(Refused) as caught:
        provider(RETURN_SUCCESS="OK").judge(answer(text=f"cannot send 123456 to {NUMBER}"))

    assert "123456" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ü"), ("text/plain", b"\xc3\xbc", "ü"), ("", b"\xfc", "\ufffd"),
        ("text/plain; charset=zlib", b"a", "a"), ("text/plain; charset=punycode", b"a", "a"),
        ("text/plain; charset=windows-1251", "Отправлено".encode("cp1251"), "Отправлено"),
        ('text/html; Charset = "Windows-1251"; a=b', "Отправлено".encode("cp1251"), "Отправлено"),
        ("text/plain;charset=x-cp1251", "Отправлено".encode("cp1251"), "Отправлено"),
        ("text/plain; charset=koi8-r", "Отправлено".encode("koi8-r"), "Отправлено"),
        ("text/plain; charset=GBK", "成功".encode("gbk"), "成功"), ("a/b; charset=gb2312", "成功€".encode("gb18030"), "成功€"),
        ("text/plain; charset=Big5", "成功".encode("big5"), "成功"), ("a/b; charset=Shift_JIS", "①".encode("cp932"), "①"),
        ("text/plain; charset=UTF-16", "OK".encode("utf-16"), "OK"), ("a/b; charset=utf-16", "OK".encode("utf-16-le"), "OK"),
        ("text/plain; charset=utf-16", "OK".encode("utf-16-be"), "OK"), ("a/b; charset=UTF-16BE", "OK".encode("utf-16-be"), "OK"),
        ("text/plain; charset=utf-16le", b"\xff\xfeO\0K\0", "OK"), ("", b"\xfe\xff\0O\0K", "OK"),
        ("a/b; charset=win-1251", "Отправлено".encode("cp1251"), "Отправлено"), ("a/b; charset=windows-31j", "①".encode("cp932"), "①"),
        ("a/b; charset=x-euc-jp", "送信".encode("euc_jp"), "送信"), ("a/b; charset=cn-big5", "成功".encode("big5"), "成功"),
        ("a/b; charset=iso-8859-8-i", "נשלח".encode("iso-8859-8"), "נשלח"), ("a/b; charset=windows-949", "성공".encode("cp949"), "성공"),
        ("a/b; charset=ucs-2", "Отп".encode("utf-16-le"), "Отп"), ("a/b; charset=unicode", "Отп".encode("utf-16-le"), "Отп"),
        ("a/b; charset=l1", b"\x80", "€"), ("a/b; charset=unicode_escape", rb"\u0041", r"\u0041"),
        ("a/b; charset=utf-32", "OK".encode("utf-32"), "OK"), ("", "\ufeff\r\n\ufeffID: 1".encode(), "ID: 1"),
        ("", "\r\n\ufeffID: 1".encode(), "ID: 1"), ("", b" \r\nID: 1", " \r\nID: 1"),
        ("a/b; charset=windows1252", b"\xe4", "ä"), ("a/b; charset=dos-866", "Принято".encode("cp866"), "Принято"),
        ("text/html", '<meta charset="windows-1251"><p>Принято'.encode("cp1251"), '<meta charset="windows-1251"><p>Принято'),
        (
            "", "<META http-equiv='a' content='text/html; charset=koi8-r'>Принято".encode("koi8-r"),
            "<META http-equiv='a' content='text/html; charset=koi8-r'>Принято",
        ),
        ("text/html", "<meta charset=utf-16>ü".encode(), "<meta charset=utf-16>ü"),
        ("text/html", b"<meta charset=utf-32>OK", "<meta charset=utf-32>OK"),
        ("text/xml", '<?xml version="1.0" encoding="utf-16"?>ü'.encode(), '<?xml version="1.0" encoding="utf-16"?>ü'),
        ("a/b; charset=utf-16", '<?xml version="1.0" encoding="utf-16"?>ü'.encode(), '<?xml version="1.0" encoding="utf-16"?>ü'),
        ("a/b; charset=utf-16", '<?xml encoding="utf-16"?>OK'.encode("utf-16-le"), '<?xml encoding="utf-16"?>OK'),
        ("a/b; charset=utf-16be", b'{"status": "OK"}', '{"status": "OK"}'), ("a/b; charset=utf-32", b"OK", "OK"),
        ("a/b; charset=utf-16be", "余额不足".encode("utf-16-be"), "余额不足"), ("a/b; charset=cp037", "OK".encode("cp037"), "OK"),
        ("text/html; charset=utf-8", "<meta charset=koi8-r>ü".encode(), "<meta charset=koi8-r>ü"),
        ("text/plain", b"\xef\xbb\xbfID: 1", "ID: 1"), ("a/b; charset=utf-8", b"\xef\xbb\xbf{}", "{}"),
        ("text/plain; charset=iso-8859-1", b"\xef\xbb\xbf\xc3\xbc", "ü"),
        ("text/plain; charset=iso-8859-1", b"\x80", "€"), ("text/plain; charset=utf8", b"\xc3\xbc", "ü"),
        ("text/xml", b"<?xml version='1.0' encoding='windows-1251'?><a>\xee\xea</a>",
         "<?xml version='1.0' encoding='windows-1251'?><a>ок</a>"),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_its_charset(kind: str, raw: bytes, text: str) -> None:
    assert text_of(make_response(200, {"content-type": kind}, raw)) == text


GTX = {"URL": "https://http.gtx-messaging.net/smsc.php"}


@pytest.mark.parametrize(
    ("settings", "status", "text", "outcome"),
    [
        ({"RETURN_SUCCESS": "OK"}, 200, "OK 7", None),
        ({"RETURN_SUCCESS": "OK", "RETURN_FAIL": "ERR"}, 200, "OK", None),
        ({}, 200, "", None),
        ({"RETURN_SUCCESS": "OK"}, 200, "The message was", ProtocolViolation),
        ({"RETURN_SUCCESS": "OK"}, 200, "", ProtocolViolation),
        ({"RETURN_FAIL": "ERR"}, 200, "Result:", ProtocolViolation),
        (GTX | {"RETURN_FAIL": "xyz"}, 200, "200 OK 77", None),
        (GTX, 200, "401", ProtocolViolation),
        ({"RETURN_SUCCESS": "OK"}, 404, "The pa", Refused),
        ({"RETURN_SUCCESS": "OK"}, 503, "", GatewayUnavailable),
        ({"RETURN_STATUS": [200]}, 202, "", Unknown),
    ],
)
def test_of_an_answer_that_may_be_cut_off_only_what_it_says_counts(
    settings: dict[str, Any], status: int, text: str, outcome: type[DeliveryError] | None
) -> None:
    def judge(*, cut_off: bool) -> type[DeliveryError] | None:
        try:
            provider(**settings).judge(make_response(status, {}, text.encode(), cut_off=cut_off))
        except DeliveryError as exc:
            return type(exc)
        return None

    assert judge(cut_off=True) is outcome
    assert outcome is not None or judge(cut_off=False) is None


@given(raw=st.binary(max_size=300), status=st.integers(100, 999))
@pytest.mark.parametrize(
    "settings", [{"RETURN_SUCCESS": "OK"}, {"URL": "http://127.0.0.1/2010-04-01/Accounts/A/Messages"}]
)
def test_any_answer_is_a_receipt_or_one_of_our_errors(
    settings: dict[str, Any], raw: bytes, status: int
) -> None:
    with suppress(DeliveryError):
        assert isinstance(provider(**settings).judge(make_response(status, {}, raw)), Receipt)


def test_a_mark_before_the_answer_hides_nothing() -> None:
    clickatell = {"URL": "https://api.clickatell.com/http/sendmsg", "options": {"api_id": "1"}}
    reply = make_response(200, {}, b"\xef\xbb\xbfID: 77")

    assert provider(**clickatell).judge(reply) == Receipt("77")


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ("Invalid sender for 491701234567", "text/plain", "status 400; it said: Invalid sender for ***"),
        ('{"error": "unknown key gehe1m-key, text 123456"}', "application/json", "unknown key ***, text ***"),
        ("<html><head><style>a{b}</style><title>Bad</title></head><p>No &amp; no: 0170 123 45 67</p>", "text/html",
         "it said: Bad No & no: ***"),
        ("Отказано, код 123 456", "text/plain; charset=windows-1251", "it said: Отказано, код ***"),
        ("line\r\n\x1b[31mfeed\u202e", "text/plain; charset=utf-8", r"it said: line \x1b[31mfeed"),
        (f"<p>Bad key</p> &#{'9' * 5000};", "text/html", "status 400; it said: Bad key"),
        ("<style>a{b}</style>Bad<script>c</script> key <style>without an end", "text/html", "said: Bad key without an end"),
        ("x " * 300, "text/plain", "x ..."),
        ("", "text/plain", "answered with status 400"),
    ],
)  # fmt: skip
def test_the_gateways_own_sentence_is_told_without_what_it_repeats(
    httpserver: HTTPServer, body: str, kind: str, told: str
) -> None:
    charset = "cp1251" if "1251" in kind else "utf-8"
    httpserver.expect_request("/send").respond_with_data(body.encode(charset), status=400, content_type=kind)
    gateway = provider(
        URL=httpserver.url_for("/send"),
        options={"api_key": "gehe1m-key", "to": "{phone}", "text": "{otp}"},
        NUMBER_FORMAT="digits",
    )
    message = replace(sms(), number=parse_number("+491701234567", None))

    with pytest.raises(Refused) as caught:
        gateway.submit(message, Deadline.after(5, SystemClock()))
    gateway.close()

    assert told in str(caught.value)
    assert len(str(caught.value)) < 300
    assert not any(secret in str(caught.value) for secret in ("gehe1m", "123456", "4567", "123 45"))


@pytest.mark.parametrize("code", ["BADGEH", "badgeh", "482915"])
@pytest.mark.parametrize("text", ["{otp}", "Your code is {otp}"])
def test_an_id_that_is_the_text_is_none(httpserver: HTTPServer, code: str, text: str) -> None:
    whole = text.replace("{otp}", code)
    httpserver.expect_request("/http/sendmsg").respond_with_handler(
        lambda request: Response(f"ID: {request.args['text'].replace(' ', '_')}")
    )
    gateway = provider(
        URL=httpserver.url_for("/http/sendmsg"), options={"api_id": "1", "to": "{phone}", "text": "{otp}"}
    )

    receipt = gateway.submit(sms(whole), Deadline.after(5, SystemClock()))
    gateway.close()

    assert receipt == Receipt()


@pytest.mark.shows_secrets
def test_only_the_debug_level_writes_the_sms_to_the_log_and_no_level_the_password(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="smsotp")
    httpserver.expect_request("/send").respond_with_data("taken as 77")
    for level, otp in (("info", "424241"), ("debug", "424242")):
        gateway = provider(
            URL=httpserver.url_for("/send"),
            LOG_LEVEL=level,
            HTTP_METHOD="POST",
            options={"pass": "gehe1m-key", "to": "{phone}", "text": "{otp}"},
        )
        gateway.submit(sms(otp), Deadline.after(5, SystemClock()))
        gateway.close()

    assert "424241" not in caplog.text
    assert f"to={NUMBER}&text=424242" in caplog.text
    assert "status 200: 'taken as 77'" in caplog.text
    assert "gehe1m" not in caplog.text
