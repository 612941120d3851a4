"""
The fixture that looks for secrets in everything that was logged, in every test.

A secret counts as shown in clear, URL-encoded, in base64 (wherever it begins in the encoded text) and in hexadecimal.
Lines are judged as the plugin's own log writes them. The one exception is what a gateway logs when it was told to show
everything: such a test carries the mark `shows_secrets`.
"""

import base64
import contextlib
import dataclasses
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.log import SinkHandler
from smsotp_plugin.sms.typed import fold

_SHORTEST = 6
#: The numbers, codes and passwords that the tests use everywhere.
_ALWAYS = (
    *("491701234567", "4917012345678", "123456", "734921"),
    *(
        str(getattr(Accounts(), field.name))
        for field in dataclasses.fields(Accounts)
        if field.name.endswith(("_password", "_token"))
    ),
)
#: What the plugin's set-up of logging changes for the whole process.
_SWITCHES = ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile")
#: The name of a log-in, whose digits may hold those of a code by chance.
_REFERENCE = re.compile(r"\b(challenge|message) ([0-9a-f]{8})\b")
#: What may be a code in a text.
_WORDS = (re.compile("[0-9]+"), re.compile("[0-9A-Za-z]+"))


class Secrets:
    """What must not be logged, and where to search for it."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}
        self._codes: set[str] = set()
        self._texts: list[tuple[str, Callable[[], str]]] = []
        self.add(*_ALWAYS)

    def add(self, *secrets: str) -> None:
        """Search for these secrets, too; each needs at least 6 characters, or it would be found by chance."""
        for secret in secrets:
            if len(secret) < _SHORTEST:
                raise ValueError(f"{secret!r} is too short to be told from other text")
            self._forms |= dict.fromkeys(forms_of(secret), secret)

    def add_code(self, code: str) -> None:
        """Search for this code, of any alphabet, in clear; this is fast enough for many codes."""
        self._codes.add(code)

    def look_in(self, name: str, read: Callable[[], str]) -> None:
        """Search a log that is written elsewhere, such as FreeRADIUS's, when the test is over."""
        self._texts.append((name, read))

    def find_in(self, text: str) -> list[str]:
        """Return the secrets that a text holds."""
        text = _REFERENCE.sub(self._leave_out, text)
        folded = text.casefold()
        found = [
            secret
            for form, secret in self._forms.items()
            if form in text or (form == form.casefold() and form in folded)
        ]
        return sorted({*found, *self._codes.intersection(_words(text))})

    def _leave_out(self, reference: re.Match[str]) -> str:
        """Return a reference without its digits, unless the digits themselves are a secret."""
        what, digits = reference.groups()
        return reference[0] if digits in self._codes or digits in self._forms else what

    def leaks(self) -> list[str]:
        """Return a sentence for each text that shows secrets."""
        sentences = []
        for name, read in self._texts:
            text = read()
            for line in text.splitlines():
                found = self.find_in(line)
                if found:
                    sentences.append(f"{name} shows {', '.join(found)}: {line}")
        return sentences


def _words(text: str) -> set[str]:
    """Return what may be a code: runs of digits, and of digits and letters, in whatever script."""
    folded = fold(text)
    return {word for words in _WORDS for word in words.findall(folded)}


def forms_of(secret: str) -> set[str]:
    """Return the encodings in which a secret would still be readable."""
    raw = secret.encode()
    # Base64 works on groups of three bytes: what comes before the secret shifts it by zero, one or two bytes.
    shifted = {
        base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")[start:-1]
        for shift, start in ((0, 0), (1, 2), (2, 3))
    }
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        raw.hex(),
        *shifted,
        *(text.translate(str.maketrans("+/", "-_")) for text in shifted),
    }


@pytest.fixture(autouse=True)
def secrets(request: pytest.FixtureRequest) -> Iterator[Secrets]:
    """Fail the test if anything that it logged shows a secret. Add your own secrets to the value of this fixture."""
    wanted = Secrets()
    lines: list[str] = []
    with _everything_logged(lines), _every_code_kept(wanted):
        yield wanted
    wanted.look_in("the log", lambda: "\n".join(lines))
    # Not requested as a fixture: hypothesis does not accept one that is made anew for each test.
    if directory := request.node.funcargs.get("tmp_path"):
        _look_in_server_logs(wanted, directory)
        _look_in_delivery_logs(wanted, directory)
    leaks = wanted.leaks()
    if leaks and request.node.get_closest_marker("shows_secrets") is None:
        pytest.fail("Secrets were logged:\n" + "\n".join(leaks), pytrace=False)


@contextlib.contextmanager
def _everything_logged(lines: list[str]) -> Iterator[None]:
    """Collect what the plugin logs, however the test sets up its logging, and leave logging as it was."""
    logger, factory = logging.getLogger("smsotp"), logging.getLogRecordFactory()
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    switches = {name: getattr(logging, name) for name in _SWITCHES}
    as_written = SinkHandler(lambda _level, _line: None)

    def keep(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        if record.name.partition(".")[0] == "smsotp" or record.levelno >= logging.WARNING:
            lines.append(as_written.format(record))
        return record

    logging.setLogRecordFactory(keep)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logging.setLogRecordFactory(factory)
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
        for name, value in switches.items():
            setattr(logging, name, value)


@contextlib.contextmanager
def _every_code_kept(secrets: Secrets) -> Iterator[None]:
    make = CodeMaker.code

    def code(self: CodeMaker, seed: str) -> str:
        made = make(self, seed)
        secrets.add_code(made)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CodeMaker, "code", code)
        yield


def _look_in_server_logs(secrets: Secrets, directory: Path) -> None:
    for path in directory.rglob("radius.log"):
        text = path.read_text(errors="replace")
        # A server that runs with -x shows every packet, passwords too.
        if "Received Access-Request" not in text:
            secrets.look_in(path.name, partial(str, text))


def _look_in_delivery_logs(secrets: Secrets, directory: Path) -> None:
    """Search what stores keep for weeks. Tests also leave behind databases that are damaged or not ours."""
    for path in directory.rglob("*.db"):
        source = f"{path.as_uri()}?mode=ro"
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(source, uri=True, timeout=1)) as connection,
        ):
            rows = connection.execute(
                "SELECT gateway, gateway_id, detail, user, number FROM events"
            ).fetchall()
            secrets.look_in(f"the delivery log {path.name}", partial("\n".join, map(repr, rows)))
