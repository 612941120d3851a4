"""
No text of a stranger keeps a regular expression of ours busy: a match holds Python's lock, and so all log-ins.

An expression that tries each of many ways would not end within the time of a test.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smsotp_plugin
from smsotp_plugin.errors import Unknown
from smsotp_plugin.providers import smtp, web
from smsotp_plugin.providers.http.apis import clickatell, gtx, twilio
from smsotp_plugin.sms import phone
from smsotp_plugin.wire.http import reading, xmlrpc
from smsotp_plugin.wire.http import text as characters
from smsotp_plugin.wire.smpp import deliver_sm
from smsotp_plugin.wire.smtp import connection
from tests.support.http_provider import answer, provider

#: Those that are given what came over the wire, in the way in which they are given it.
ON_FOREIGN_TEXT: dict[str, tuple[Callable[[Any], object], re.Pattern[Any]]] = {
    "queue id": (smtp._QUEUE_ID.search, smtp._QUEUE_ID),
    "enhanced status": (connection._ENHANCED.match, connection._ENHANCED),
    "reply line": (connection._REPLY_LINE.fullmatch, connection._REPLY_LINE),
    "Clickatell's id": (clickatell._ACCEPTED.match, clickatell._ACCEPTED),
    "Clickatell's error": (clickatell._ERROR.match, clickatell._ERROR),
    "GTX's id": (gtx._ACCEPTED.search, gtx._ACCEPTED),
    "GTX's error": (gtx._ERROR.match, gtx._ERROR),
    "Twilio's answer": (twilio._ELEMENT.findall, twilio._ELEMENT),
    "no XML": (xmlrpc._NO_XML.search, xmlrpc._NO_XML),
    "character set": (characters._CHARSET.search, characters._CHARSET),
    "character set of a page": (characters._META.search, characters._META),
    "rights": (smtp._BLAMES_RIGHTS.search, smtp._BLAMES_RIGHTS),
    "sender": (smtp._BLAMES_SENDER.search, smtp._BLAMES_SENDER),
    "greeting": (smtp._NAMES_GREETING.search, smtp._NAMES_GREETING),
    "status line": (reading._STATUS_LINE.match, reading._STATUS_LINE),
    "size of a chunk": (reading._CHUNK.fullmatch, reading._CHUNK),
    "length": (reading._LENGTH.match, reading._LENGTH),
    "tags": (web._TAG.findall, web._TAG),
    "fields of a receipt": (deliver_sm._FIELD.findall, deliver_sm._FIELD),
    "text of a receipt": (deliver_sm._MESSAGE_TEXT.split, deliver_sm._MESSAGE_TEXT),
    "foreign characters": (phone._FOREIGN.search, phone._FOREIGN),
    "plus": (phone._WRITTEN.fullmatch, phone._WRITTEN),
}

#: The door can be imported inside FreeRADIUS only, and has none.
NOT_WHILE_SERVING = (
    "smsotp_plugin.__main__",
    "smsotp_plugin.freeradius",
    "smsotp_plugin.raddb",
    "smsotp_plugin.commands",
    "smsotp_plugin.cli",
)


def texts(pattern: re.Pattern[Any], length: int) -> Iterator[Any]:
    """Yield long texts of what stands in an expression, and of what usually stands in texts."""
    shown = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode()
    for piece in {*shown, *re.findall(r"[A-Za-z0-9: ]+", shown), *'a0 \t.-_<>"', "a.", "0 ", "id:a "}:
        text = (piece * length)[:length] + "\x00"
        yield text if isinstance(pattern.pattern, str) else text.encode()


@pytest.mark.parametrize("name", ON_FOREIGN_TEXT)
def test_what_a_stranger_sends_is_looked_through_once(name: str) -> None:
    look, pattern = ON_FOREIGN_TEXT[name]

    for text in texts(pattern, 1_000_000):
        look(text)


@pytest.mark.parametrize(
    "piece", ["<style", "<script>", "<head ", "</style", "<style></style>", "<", "<a ", "&#9", "&amp", " \n"]
)
def test_a_gateways_page_is_looked_through_once_whatever_it_leaves_open(piece: str) -> None:
    with pytest.raises(Unknown, match="500"):
        provider().judge(answer(500, piece * 150_000))


@pytest.mark.parametrize("begin", ["charset", "charset=", 'charset="', "charset = '"])
@pytest.mark.parametrize("piece", [" ", "\t", "'", "charset=", "charset = "])
def test_a_gateways_content_type_is_looked_through_once_whatever_it_leaves_open(
    begin: str, piece: str
) -> None:
    assert characters.find_encoding({"content-type": f"{begin}{piece * 150_000}!"}, b"") == "utf-8"


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Yield all that run inside FreeRADIUS; the commands read files of the administrator only."""
    for module in pkgutil.walk_packages(smsotp_plugin.__path__, "smsotp_plugin."):
        if not module.name.startswith(NOT_WHILE_SERVING):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{module.name}.{name}", value


@pytest.mark.parametrize(("_", "pattern"), list(patterns()))
def test_no_expression_tries_each_of_many_ways(_: str, pattern: re.Pattern[Any]) -> None:
    for text in texts(pattern, 3_000):
        for look in (pattern.search, pattern.match, pattern.fullmatch):
            look(text)
