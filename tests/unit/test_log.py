"""Log lines: one line each, printable, without what an exception says."""

import logging
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.log import ROOT, SinkHandler, configure_log, make_printable, quote


@pytest.fixture
def lines() -> Iterator[list[tuple[int, str]]]:
    written: list[tuple[int, str]] = []
    handler = SinkHandler(lambda level, line: written.append((level, line)))
    logger = logging.getLogger("smsotp.test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Leave `logging` as it was."""
    logger = logging.getLogger(ROOT)
    kept = (logger.handlers, logger.level, logger.propagate)
    switches = {name: getattr(logging, name) for name in ("logThreads", "logProcesses", "logMultiprocessing")}
    source = logging._srcfile
    yield
    logger.handlers, level, logger.propagate = kept
    logger.setLevel(level)
    for name, value in switches.items():
        setattr(logging, name, value)
    logging._srcfile = source


@given(st.text())
def test_what_is_printable_holds_no_control_characters(text: str) -> None:
    shown = make_printable(text)

    assert [
        char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    ] == []
    shown.encode()


@given(st.text())
def test_a_quote_is_one_short_line(text: str) -> None:
    assert len(quote(text)) <= 2 + 67 * 10
    assert quote(text).isprintable()
    assert len(quote(text).splitlines()) == 1


@pytest.mark.parametrize("text", ["", "bob", "jürgen", "алиса", "😀", "a b"])
def test_readable_text_is_left_as_it_is(text: str) -> None:
    assert make_printable(text) == text
    assert quote(text) == f'"{text}"'


def test_a_quote_ends_where_it_should() -> None:
    assert quote('bob" answers challenge 1: accepted') == r'"bob\x22 answers challenge 1: accepted"'


def test_a_long_text_is_cut_in_a_quote() -> None:
    assert quote("x" * 65) == '"' + "x" * 64 + '..."'


def test_control_characters_are_escapes() -> None:
    assert make_printable("a\nb\x1b\u202e\ud800") == "a\\nb\\x1b\\u202e\\ud800"


def test_a_record_is_one_line_with_its_level(lines: list[tuple[int, str]]) -> None:
    logging.getLogger("smsotp.test").warning("user %s\nnext", "bob")

    assert lines == [(logging.WARNING, "smsotp: user bob\\nnext")]


def test_an_exception_is_its_kind_and_place_without_its_text(lines: list[tuple[int, str]]) -> None:
    try:
        int("the code is 123456")
    except ValueError:
        logging.getLogger("smsotp.test").exception("failed")

    ((_, line),) = lines
    assert "ValueError at " in line
    assert "test_log.py:" in line
    assert "123456" not in line


@pytest.mark.usefixtures("own_logging")
def test_everything_goes_to_one_place_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    written: list[str] = []
    for _ in range(2):
        configure_log(lambda _, line: written.append(line), logging.INFO)
    logging.getLogger("smsotp.a.b").info("seen")
    logging.getLogger("smsotp.a.b").debug("not seen")
    logging.getLogger("other").warning("not ours")

    assert written == ["smsotp: seen"]
    assert "seen" not in caplog.text.replace("not ours", "")


@pytest.mark.usefixtures("own_logging")
def test_a_gateway_that_was_told_to_say_more_does_and_is_named() -> None:
    written: list[str] = []
    configure_log(lambda _, line: written.append(line), logging.INFO)
    gateway = logging.getLogger("smsotp.gateway.loud")
    gateway.setLevel(logging.DEBUG)
    gateway.debug("detail")
    gateway.setLevel(logging.NOTSET)

    assert written == ["smsotp: gateway loud: detail"]
