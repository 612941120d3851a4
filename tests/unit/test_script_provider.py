"""The provider script, with real programs."""

import logging
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from pydantic import SecretStr, ValidationError

from smsotp_plugin.clock import Deadline, SystemClock
from smsotp_plugin.errors import (
    AnswerTimeout,
    AuthFailed,
    BadMessage,
    BadRecipient,
    DeliveryError,
    GatewayUnavailable,
    NotSent,
    ProtocolViolation,
    Throttled,
    Unknown,
)
from smsotp_plugin.providers.base import GatewayContext
from smsotp_plugin.providers.script import ScriptProvider, ScriptSettings
from smsotp_plugin.sms.message import Message, Receipt
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.wire import program
from smsotp_plugin.wire.program import Exit, ProgramRunner, _listen
from tests.support.interruption import interrupt_at_once

CLOCK = SystemClock()
NUMBER = parse_number("+491701234567", None)
MESSAGE = Message(
    reference="ref-1",
    user="bob",
    number=NUMBER,
    otp=SecretStr("123456"),
    sentence=SecretStr("Grüße: 123456"),
    expires=CLOCK.time() + 300,
)

Write = Callable[..., Path]
Make = Callable[..., ScriptProvider]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_script(body: str) -> Path:
        script = tmp_path / "send"
        script.write_text("#!/bin/sh\n" + dedent(body))
        script.chmod(0o755)
        return script

    return write_script


@pytest.fixture
def make(write: Write) -> Make:
    def make_provider(body: str, **settings: object) -> ScriptProvider:
        known = {"provider": "script", "SCRIPT": write(body), "TIMEOUT": 30}
        return ScriptProvider(GatewayContext("cmd", CLOCK), ScriptSettings.model_validate(known | settings))

    return make_provider


def soon() -> Deadline:
    return Deadline.after(30, CLOCK)


def test_number_is_the_argument_and_text_is_the_standard_input(make: Make, tmp_path: Path) -> None:
    provider = make(f'echo "$#:$1" >{tmp_path}/arguments; cat >{tmp_path}/text; echo id-77; echo more')

    receipt = provider.submit(MESSAGE, soon())

    assert receipt == Receipt(gateway_id="id-77")
    assert (tmp_path / "arguments").read_text() == "1:+491701234567\n"
    assert (tmp_path / "text").read_text() == "Grüße: 123456"


def test_number_format_counts(make: Make, tmp_path: Path) -> None:
    make(f'echo "$1" >{tmp_path}/number', NUMBER_FORMAT="zeros").submit(MESSAGE, soon())

    assert (tmp_path / "number").read_text() == "00491701234567\n"


def test_the_code_is_in_no_argument_and_nothing_of_our_environment_is_passed_on(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "geheim")

    make(f"tr '\\0' ' ' </proc/$$/cmdline >{tmp_path}/line; env >{tmp_path}/environment").submit(
        MESSAGE, soon()
    )

    assert "123456 " not in (tmp_path / "line").read_text()
    names = {line.split("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (1, NotSent),
        (64, BadMessage),
        (65, BadMessage),
        (67, BadRecipient),
        (69, GatewayUnavailable),
        (75, Throttled),
        (77, AuthFailed),
        (78, AuthFailed),
        (126, GatewayUnavailable),
        (127, GatewayUnavailable),
        (2, Unknown),
        (76, Unknown),
        (255, Unknown),
    ],
)
def test_each_exit_status_has_its_meaning(make: Make, status: int, error: type[DeliveryError]) -> None:
    with pytest.raises(DeliveryError) as caught:
        make(f"exit {status}").submit(MESSAGE, soon())

    assert type(caught.value) is error
    assert str(status) in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo a warning >&2; echo 'no modem' >&2; exit 75", "; it said: no modem"),
        ("echo not for $1: >&2; cat >&2; exit 65", "; it said: ***"),
        ('echo "no modem for $1" >&2; kill -9 $$', "; it said: no modem for ***"),
        ("echo sent; exit 75", ""),
        ("printf '\\033[2J\\n\\n' >&2; exit 1", r"; it said: \x1b[2J"),
        (
            'yes warning | head -n 2000 >&2; echo "no modem for $1" >&2; exit 75',
            "; it said: no modem for ***",
        ),
        ("yes | head -c 9000 | tr '\\n' y >&2; echo \" for $1\" >&2; exit 75", ""),
    ],
)
def test_the_last_line_of_its_errors_is_quoted_without_number_and_code(
    make: Make, body: str, said: str
) -> None:
    with pytest.raises(DeliveryError) as caught:
        make(body).submit(MESSAGE, soon())

    assert str(caught.value).partition(";")[2] == said.removeprefix(";")


@pytest.mark.parametrize(
    ("body", "last"),
    [
        ("yes warning | head -n 2000 >&2; echo 'no modem' >&2", [b"warning", b"no modem"]),
        ("yes | head -c 9000 | tr '\\n' y >&2; echo and so on >&2", []),
    ],
)
def test_what_a_script_has_said_before_its_end_is_heard_after_it(body: str, last: list[bytes]) -> None:
    command = ["/bin/sh", "-c", body]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        _, errors = _listen(process, soon())

    assert errors.splitlines()[-2:] == last


def test_a_script_killed_by_a_signal_leaves_the_outcome_unknown(make: Make) -> None:
    with pytest.raises(Unknown, match="signal 9"):
        make("kill -9 $$").submit(MESSAGE, soon())


def test_a_lost_exit_status_is_no_success(make: Make) -> None:
    with pytest.raises(ProtocolViolation):
        make("").judge(Exit(None))


def test_the_time_limit_kills_the_script_and_all_that_it_started(make: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    provider = make(f"exec 9>{tmp_path}/alive; sleep 600 & sleep 600", TIMEOUT=0.5)
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)

    with pytest.raises(AnswerTimeout, match="killed"):
        provider.submit(MESSAGE, soon())

    # The end of the file comes when the last process that holds the other end is gone.
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_child_that_keeps_the_output_open_is_not_waited_for(make: Make, tmp_path: Path) -> None:
    provider = make(f"sleep 600 & echo $! >{tmp_path}/child; echo id-1")
    receipt = provider.submit(MESSAGE, soon())
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)

    assert receipt == Receipt(gateway_id="id-1")


def test_a_script_that_does_not_read_its_input_is_no_failure(make: Make) -> None:
    assert make("exec <&-; exit 0").submit(MESSAGE, soon()) == Receipt()


def test_only_the_beginning_of_the_output_is_kept() -> None:
    ended = ProgramRunner().run(["/bin/sh", "-c", "head -c 3000000 /dev/zero"], b"", soon())

    assert (ended.status, len(ended.output)) == (0, 4096)


def test_a_status_that_the_system_threw_away_is_not_taken_for_success() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        ended = ProgramRunner().run(["/bin/sh", "-c", "echo id-1; exit 3"], b"", soon())
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert (ended.status, ended.output) == (None, b"id-1\n")


def test_endless_output_is_read_and_dropped(make: Make) -> None:
    provider = make("echo id-2; head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", TIMEOUT=8)

    assert provider.submit(MESSAGE, soon()) == Receipt(gateway_id="id-2")


@pytest.mark.parametrize(
    "output", ["printf '\\001\\002'", "printf '\\377'", "head -c 200 /dev/zero | tr '\\0' a", ":"]
)
def test_output_that_can_be_no_id_is_none(make: Make, output: str) -> None:
    assert make(output).submit(MESSAGE, soon()) == Receipt()


@pytest.mark.parametrize(
    "echo", ["cat", "echo 123456", "echo sent:123456", 'echo "id-$1"', "echo x491701234567"]
)
def test_output_that_repeats_the_message_is_no_id_since_ids_are_logged(make: Make, echo: str) -> None:
    assert make(echo).submit(MESSAGE, soon()) == Receipt()


def test_a_script_that_has_gone_since_the_start_is_not_sent(make: Make) -> None:
    provider = make("exit 0")
    provider.settings.SCRIPT.unlink()

    with pytest.raises(GatewayUnavailable, match="No such file"):
        provider.submit(MESSAGE, soon())
    with pytest.raises(GatewayUnavailable, match="is not a file"):
        provider.probe(soon())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#!/no/such/interpreter\n", "what its first line names does not exist"),
        ("#!/bin/sh\r\nexit 0\r\n", "the line end of Windows, CR"),
        ("exit 0\n", "its first line has to name what runs it, such as #!/bin/sh"),
    ],
)
def test_a_script_without_a_known_interpreter_is_not_sent(make: Make, text: str, told: str) -> None:
    provider = make("")
    provider.settings.SCRIPT.write_text(text, newline="")

    with pytest.raises(GatewayUnavailable, match=f"could not be started: .*{told}"):
        provider.submit(MESSAGE, soon())


def test_probing_does_not_run_the_script(make: Make, tmp_path: Path) -> None:
    make(f"touch {tmp_path}/ran").probe(soon())

    assert not (tmp_path / "ran").exists()


def test_close_kills_what_is_running_and_starts_nothing_more(make: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "started")
    provider = make(f"echo >{tmp_path}/started; sleep 600", TIMEOUT=60)
    outcomes: list[str] = []

    def send() -> None:
        with pytest.raises(DeliveryError) as caught:
            provider.submit(MESSAGE, Deadline.after(60, CLOCK))
        outcomes.append(caught.value.outcome)

    sending = threading.Thread(target=send)
    sending.start()
    (tmp_path / "started").read_text()
    provider.close()
    sending.join(10)

    assert outcomes == ["unknown"]
    with pytest.raises(NotSent, match="being closed"):
        provider.submit(MESSAGE, soon())


@pytest.mark.shows_secrets
def test_neither_number_nor_text_is_logged_below_the_debug_level(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    make("cat").submit(MESSAGE, soon())
    quiet = caplog.text

    make("cat", LOG_LEVEL="debug").submit(MESSAGE, soon())

    assert quiet == ""
    assert "+491701234567" in caplog.text
    assert caplog.text.count("123456'") == 2


def problem_with(path: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ScriptSettings.model_validate({"provider": "script", "SCRIPT": path})
    return str(caught.value)


def test_a_script_that_cannot_be_run_is_a_problem_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")

    assert "absolute path" in problem_with("send.sh")
    assert "is not a file" in problem_with(tmp_path / "missing")
    assert "is not a file" in problem_with(tmp_path)
    assert "is not a file" in problem_with(tmp_path / "plain" / "below")
    assert "cannot be looked at: File name too long" in problem_with(tmp_path / ("n" * 300))
    assert "null" in problem_with(f"{tmp_path}/\0")
    assert "may not be executed" in problem_with(tmp_path / "plain")


def test_a_script_that_anyone_may_change_is_worth_a_warning(write: Write) -> None:
    script = write("")
    script.chmod(0o777)

    assert ScriptSettings.model_validate({"provider": "script", "SCRIPT": script}).warnings() == [
        "SCRIPT: every user of this machine may change it (chmod o-w)."
    ]


def test_a_script_whose_end_cannot_be_waited_for_is_killed_and_that_is_told(
    make: Make, tmp_path: Path
) -> None:
    provider = make(f"sleep 60; touch {tmp_path}/sent")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def submit() -> str:
        with pytest.raises(Unknown) as failed:
            provider.submit(MESSAGE, soon())
        return str(failed.value)

    try:
        told = interrupt_at_once(
            program._listen, submit, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert told == "the script was killed, because its end could not be waited for: Too many open files"
