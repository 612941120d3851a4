"""
The provider ``script`` keeps what of the contract a program can be held to.

There is no gateway on a socket here: the peer is a program, so the scenarios of the wire have no meaning.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_conformance import CLOCK, CODE, NUMBER, message, within
from smsotp_plugin.errors import AnswerTimeout, DeliveryError, GatewayUnavailable, NotSent, Refused, Throttled
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.script import ScriptProvider, ScriptSettings


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A file in which the program writes down what it got."""
    return tmp_path / "inbox"


@pytest.fixture
def script(tmp_path: Path, inbox: Path) -> Path:
    """A program that sends when the file ``fault`` is not there, else does what stands in it."""
    path = tmp_path / "send"
    path.write_text(
        f'#!/bin/sh\n[ -f {tmp_path}/fault ] && . {tmp_path}/fault\nprintf "%s " "$1" >>{inbox}\ncat >>{inbox}\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def provider(script: Path) -> Iterator[ScriptProvider]:
    settings = ScriptSettings.model_validate({"provider": "script", "SCRIPT": script, "TIMEOUT": 30})
    provider = ScriptProvider(GatewayContext("contract", CLOCK), settings)
    yield provider
    provider.close()


def fail_with(script: Path, body: str) -> None:
    (script.parent / "fault").write_text(body)


def test_an_accepted_message_arrives_once(provider: ScriptProvider, inbox: Path) -> None:
    provider.submit(message(), within(20))

    assert inbox.read_text() == f"{NUMBER} {CODE} is your code"


@pytest.mark.parametrize(
    "text", ["Schlüssel für Zoë: 734921", "734921 🔑", "$(id) `id` \\n '\"%s {phone} 734921", "a" * 2000]
)
def test_any_text_arrives_as_it_was_written(provider: ScriptProvider, inbox: Path, text: str) -> None:
    provider.submit(message(text), within(30))

    assert inbox.read_text() == f"{NUMBER} {text}"


@pytest.mark.parametrize(
    ("fault", "error", "seconds"),
    [
        ("exit 67", Refused, 20),
        ("exit 75", Throttled, 20),
        ("exit 69", GatewayUnavailable, 20),
        ("sleep 600", AnswerTimeout, 1),
        ("head -c 9000000 /dev/zero; exit 1", NotSent, 20),
    ],
)
def test_a_failure_has_its_outcome_and_the_next_message_arrives(  # noqa: PLR0917  (pytest hands fixtures by name)
    provider: ScriptProvider,
    script: Path,
    inbox: Path,
    fault: str,
    error: type[DeliveryError],
    seconds: float,
) -> None:
    fail_with(script, fault)
    with pytest.raises(error) as caught:
        provider.submit(message(), within(seconds))
    (script.parent / "fault").unlink()

    provider.submit(message(), within(20))

    assert CODE not in f"{caught.value!r} {caught.value.__cause__}"
    assert inbox.read_text().count(CODE) == 1


def test_a_passed_deadline_sends_nothing(provider: ScriptProvider, inbox: Path) -> None:
    with pytest.raises(NotSent):
        provider.submit(message(), within(0))

    assert not inbox.exists()


def test_a_probe_tells_whether_the_program_is_there_and_sends_nothing(
    provider: ScriptProvider, script: Path, inbox: Path
) -> None:
    provider.probe(within(30))
    script.unlink()

    with pytest.raises(NotSent):
        provider.probe(within(30))
    assert not inbox.exists()


def test_a_closed_provider_sends_nothing(provider: ScriptProvider, inbox: Path) -> None:
    provider.close()

    with pytest.raises(NotSent):
        provider.submit(message(), within(20))
    assert not inbox.exists()
