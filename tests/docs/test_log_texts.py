"""What the pages quote of the log, of commands and of what users see is what the program says."""

import re

import pytest

from smsotp_plugin.fields.template import Template
from smsotp_plugin.settings.sections.challenge import ChallengeSettings
from tests.support.markdown import PAGES, ROOT, Block, blocks, spans
from tests.support.messages import says

TROUBLESHOOTING = ROOT / "docs/troubleshooting.md"

#: The other pages whose output is compared line by line.
COMPARED = ("install", "redis", "workers", "guesses", "limits")

#: How radclient shows an answer, whose texts are ours.
_ANSWER = re.compile(
    r'Received Access-\w+ Id .*|\t(?!Reply-Message)[\w-]+ = \S+|\tReply-Message = "(?P<text>.*)"'
)
#: Said by FreeRADIUS and by the system.
FOREIGN = (
    "Address already in use",
    "Module 'smsotp_plugin.freeradius' not found",
    "Login incorrect",
    "requests have been waiting in the processing queue",
    "database is locked",
    "database or disk is full",
    "attempt to write a readonly database",
    "disk I/O error",
    "Too many open files",
)
#: Between back-ticks, and nothing that anybody says: commands, settings, unlang, wire.
_ELSE = re.compile(
    r"""
    (?:smsotp|freeradius|python|scripts/\S+|pip|systemctl|journalctl|ausearch|umask|env|bench/\S+|mypy|config|set|/proc/\S+)\s[^:]*
    | smsotp:\ /.* | -.* | \#.* | area:.* | .*=.* | .*[{}\[\]()].* | \W?[+\d].*
    | (?:GET|POST|DELETE)\ .* | [A-Z-]+\ (?:[A-Z]+|times) | (?!unknown)[\w-]+\ (?:[A-Z]+|\d+s|times|decimal|expired|yes|pool)
    | (?:append(?:only|fsync)|maxmemory-policy|min-replicas-to-write|down-after-milliseconds|openssl|CONFIG)\ .*
    | (?:Server\ Name|Content-Type|ERR|OK|PASSWORD|Queued\ for)\b.* | ".*"
    """,
    re.VERBOSE,
)


def quotations() -> list[str]:
    found = {span for page in PAGES for span in spans(page) if span.count(" ") and not _ELSE.fullmatch(span)}
    return sorted(found - set(FOREIGN))


def test_there_is_something_to_look_for() -> None:
    assert len(quotations()) > 25


@pytest.mark.parametrize("quotation", quotations())
def test_what_a_page_quotes_is_said_by_the_program(quotation: str) -> None:
    assert says(re.sub(r":?\s*(\(?\.\.\.\)?|smsotp_\.\.\.)$", "", quotation))


@pytest.mark.parametrize(
    "invented",
    [
        "the State of the request was made by another machine",
        "is refused by smsotp_guard: User-Password is no text",
        "gateway NAME had it, its id ID",
    ],
)
def test_what_the_program_does_not_say_is_noticed(invented: str) -> None:
    assert not says(invented)


def test_what_users_see_is_what_the_settings_say() -> None:
    defaults = [field.default for field in ChallengeSettings.model_fields.values()]
    texts = [default.source for default in defaults if isinstance(default, Template)]
    shown = re.findall(r'^\| "([^"]+?)\.? \.\.\."', TROUBLESHOOTING.read_text(), re.MULTILINE)

    assert len(shown) > 4
    assert [text for text in shown if not any(default.startswith(text) for default in texts)] == []


def output() -> list[Block]:
    """Return what the pages show of the log and of commands; what stands elsewhere is compared there."""
    return blocks("text", pages=[TROUBLESHOOTING, *(ROOT / "docs" / f"{name}.md" for name in COMPARED)])


@pytest.mark.parametrize("line", [line for block in output() for line in block.text.splitlines()])
def test_a_line_that_a_page_shows_is_one_of_the_programs(line: str) -> None:
    if answer := _ANSWER.fullmatch(line):
        assert answer["text"] is None or says(answer["text"].replace("+49 *** **67", "NUMBER"))
        return
    words = re.split(r" {2,}", re.sub(r"^(ERROR: smsotp: \S+:\d+|smsotp): ", "", line.strip()))
    table = len(words) > 1

    assert all(
        says(word) or (table and re.search(r"\d|^[A-Z]+$|^-$|^default$|^inner|EAP", word)) for word in words
    )


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_every_name_of_ours_in_a_drawing_is_one(page: str) -> None:
    source = "".join(
        path.read_text()
        for path in ROOT.glob("smsotp_plugin/**/*")
        if path.is_file() and "__pycache__" not in str(path)
    )
    names = {
        name
        for block in blocks("text", pages=[ROOT / page])
        for name in re.findall(r"smsotp[-_]\w+", block.text)
    }

    assert [name for name in names if name not in source] == []
