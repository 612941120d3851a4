"""pam_radius_auth and sshd in front of the real server, as docs/clients.md describes them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.markdown import ROOT, blocks
from tests.support.programs import Running, program

from .mounts import needs_root, pam_services, wrap
from .system import World

pytestmark = needs_root

PAGE = ROOT / "docs/clients.md"
#: The prompts that the page gives for pam_radius_auth.
PROMPTS = next(block.text for block in blocks("toml", pages=[PAGE]) if "wrong_code_prompt" in block.text)
ASKS = "Enter the code sent to +49 *** **67: "
ASKS_AGAIN = "Wrong code. " + ASKS

PASSWORD = "secret-word-of-all"
#: root is the one account that every machine has; it is let in by this test's sshd only.
USERS = [
    RadiusUser("bob", PASSWORD, "+491701234567"),
    RadiusUser("carol", PASSWORD, "+491701234667"),
    RadiusUser("root", PASSWORD, "+491701234767"),
]
BOB, CAROL, ROOT_USER = USERS

STACK = """
auth required pam_radius_auth.so conf={conf}
account required pam_permit.so
session required pam_permit.so
"""
SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PubkeyAuthentication no
PermitRootLogin yes
ForceCommand echo welcome
"""
#: Answers ssh's questions with the lines of a pipe, and notes the questions.
ASKPASS = """#!/bin/sh
printf '%s|' "$1" >>{folder}/questions
read -r line <{folder}/answers
printf '%s\\n' "$line"
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), sections=PROMPTS, users=USERS) as running:
        yield running


def radius_stack(folder: Path, world: World) -> str:
    """Return a stack that asks this server, with the client's configuration in a file of its own."""
    host, port = world.server.address
    conf = folder / "pam_radius_auth.conf"
    conf.write_text(f"{host}:{port} {world.server.secret} 3\n")
    conf.chmod(0o600)
    return STACK.format(conf=conf)


class Conversation:
    """pamtester, which asks its standard input what PAM asks."""

    def __init__(self, folder: Path, world: World, user: RadiusUser) -> None:
        mounts = pam_services(folder / "pam.d", {"test": radius_stack(folder, world)})
        command = wrap(folder / "pamtester", program("pamtester", "pamtester"), mounts)
        self._process = subprocess.Popen(
            [command, "test", user.name, "authenticate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def type(self, line: str) -> None:
        """Type a line; it is read as soon as it is asked for."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Return the exit status and all that was shown."""
        output, _ = self._process.communicate(timeout=100)
        return self._process.returncode, output.decode()


def test_pam_radius_asks_for_the_password_then_for_the_code_and_enter_alone_for_another_sms(
    tmp_path: Path, world: World
) -> None:
    talk = Conversation(tmp_path, world, BOB)
    talk.type(PASSWORD)
    code = world.code_of(BOB)
    talk.type("")
    talk.type(code)
    status, shown = talk.end()

    assert status == 0, shown
    assert f"Password: {ASKS}The code is on its way. A further SMS can be sent in " in shown
    assert world.codes_of(BOB)[0] not in shown


def test_pam_radius_asks_again_after_a_wrong_code_and_gives_up_after_the_last(
    tmp_path: Path, world: World
) -> None:
    talk = Conversation(tmp_path, world, CAROL)
    talk.type(PASSWORD)
    code = world.code_of(CAROL)
    for _ in range(5):
        talk.type("x" * len(code))
    status, shown = talk.end()

    assert status != 0
    assert shown.count(ASKS_AGAIN) == 4


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory, world: World) -> Iterator[int]:
    """Start a server with a configuration, a host key and a PAM service of its own; gives its port."""
    folder, port = tmp_path_factory.mktemp("sshd"), find_free_tcp_port()
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / "host"], check=True)
    (folder / "sshd.conf").write_text(SSHD.format(port=port, folder=folder))
    # sshd demands a directory in /run that only its unit makes.
    mounts = pam_services(folder / "pam.d", {"sshd": radius_stack(folder, world)})
    mounts += "\nmount -t tmpfs tmpfs /run\nmkdir -m 755 /run/sshd"
    command = wrap(folder / "start-sshd", program("sshd", "openssh-server"), mounts)
    server = Running([str(command), "-D", "-e", "-f", str(folder / "sshd.conf")], folder / "sshd.log")
    try:
        server.wait_for("Server listening")
        yield port
    finally:
        server.stop()


@contextmanager
def ssh(folder: Path, port: int, user: str) -> Iterator[tuple["subprocess.Popen[str]", BinaryIO]]:
    """Begin a log-in; gives the client and the pipe that its questions are answered from."""
    (folder / "askpass").write_text(ASKPASS.format(folder=folder))
    (folder / "askpass").chmod(0o755)
    os.mkfifo(folder / "answers")
    options = (
        "StrictHostKeyChecking=no",
        f"UserKnownHostsFile={folder}/known",
        "PreferredAuthentications=keyboard-interactive",
        "NumberOfPasswordPrompts=1",
    )
    command = [program("ssh", "openssh-client"), "-F", "none", "-p", str(port), f"{user}@127.0.0.1"]
    # Open for both: neither end waits for the other.
    with (
        os.fdopen(os.open(folder / "answers", os.O_RDWR), "wb", buffering=0) as answers,
        subprocess.Popen(
            [*command, *(word for option in options for word in ("-o", option))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"SSH_ASKPASS": f"{folder}/askpass", "SSH_ASKPASS_REQUIRE": "force"},
        ) as client,
    ):
        yield client, answers


def test_sshd_lets_in_whoever_has_the_password_and_the_code(tmp_path: Path, world: World, sshd: int) -> None:
    with ssh(tmp_path, sshd, "root") as (client, answers):
        answers.write(f"{PASSWORD}\n".encode())
        answers.write(f"{world.code_of(ROOT_USER)}\n".encode())
        output, _ = client.communicate(timeout=100)

    assert client.returncode == 0, output
    assert output.endswith("welcome\n")
    assert (tmp_path / "questions").read_text().endswith(f"{ASKS}|")


def test_an_account_that_the_machine_of_sshd_does_not_have_is_rejected_by_the_guard(
    tmp_path: Path, world: World, sshd: int
) -> None:
    with ssh(tmp_path, sshd, "nobody-knows") as (client, answers):
        answers.write(f"{PASSWORD}\n".encode())
        output, _ = client.communicate(timeout=100)

    assert client.returncode != 0, output
    world.server.wait_for_log(
        'user "nobody-knows" is refused by smsotp_guard: User-Password holds control characters; is the shared secret '
        "right, does sshd know the account?"
    )
