"""
Nothing is imported while people log in.

An import that fails once, because packages are being upgraded or descriptors have run out, may leave its lock taken: every
request after it would wait for ever. So all of it happens before the first request.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from smsotp_mocks.gateways.base import Gateway
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.gateways.http.sipgate import SipgateGateway
from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.gateways.smtp.gateway import SmtpGateway
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.certificates import Certificates
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.redis import RedisServer
from tests.faults.two_gateways import first_gateway
from tests.support.http_peer import Peer, read_head
from tests.support.redis import once

from .system import World, install, people
from .test_notifications import NOTIFICATIONS, ask_for

#: The plugin itself has it imported, before anything else: it reads the ``.pth`` files in what ``python_path`` names.
#: Servers since 3.2.4 look at neither PYTHONPATH nor a ``sitecustomize``.
HOOK = """
import os, sys
_out = os.open({path!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def _note(event, args):
    if event == "import":
        os.write(_out, f"{{os.getpid()}} {{args[0]}}\\n".encode())
sys.addaudithook(_note)
"""
SCRIPT = """#!/bin/sh
cat > {inbox}
"""
#: Codes are so long that none stands in the id of a message by chance.
SECTIONS = """
[challenge]
resend_after = 0
[otp]
length = 10
[gateways.script]
provider = "script"
SCRIPT = "{script}"
[gateways.nobody]
provider = "http"
URL = "https://nobody.invalid/sms"
RETURN_SUCCESS = "OK"
[gateways.nobody.options]
to = "{{phone}}"
text = "{{otp}}"
"""
WITH_REDIS = """
[store]
url = "redis://:secret@localhost:{port}/3"
key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
[gateways.mock]
provider = "http"
URL = "{url}/sms"
RETURN_SUCCESS = "OK"
[gateways.mock.options]
to = "{{phone}}"
text = "{{otp}}"
"""
NUMBERS = (
    "+4917012345{}",
    "+43664123456{}",
    "+1202555012{}",
    "+39333123456{}",
    "+55119612345{}",
    "0049 170 123456{}",
)
#: As a gateway names them: of one byte, of several, in Python's library only under another name, and of nobody.
ENCODINGS = (
    "koi8-r",
    "Shift_JIS",
    "x-sjis",
    "windows-874",
    "ISO_8859-1:1987",
    "utf-16",
    "punycode",
    "no-such-encoding",
)
OF_ENCODING = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


@dataclass
class Imports:
    """What a server imports, from a moment on."""

    file: Path
    seen: int = 0

    def of(self, pid: int | None) -> list[str]:
        """Return what this process has imported since the last call."""
        lines = self.file.read_text().splitlines()
        new, self.seen = lines[self.seen :], len(lines)
        return [name for process, name in map(str.split, new) if process == str(pid)]


@pytest.fixture
def imports(tmp_path: Path) -> Imports:
    return Imports(tmp_path / "imports")


def put_hook_into(server: FreeRadiusServer, folder: Path, out: Path) -> None:
    server.prepare()
    folder.mkdir()
    (folder / "note_imports.py").write_text(HOOK.format(path=str(out)))
    (folder / "note_imports.pth").write_text("import note_imports\n")
    module = server.raddb / "mods-available/smsotp-plugin"
    module.write_text(module.read_text().replace('python_path = "', f'python_path = "{folder}:'))


@pytest.fixture
def mocks(tmp_path: Path) -> Iterator[list[Gateway]]:
    """Start a mock of each kind, with TLS where there is any; they share an inbox."""
    certificates = Certificates()
    certificates.write_authority(tmp_path / "authority.pem")
    inbox = Inbox()
    made: list[Gateway] = [
        HttpGateway(inbox, tls=certificates),
        SipgateGateway(inbox, tls=certificates),
        SmtpGateway(inbox, security="starttls", certificate=certificates),
        Smsc(inbox, tls=certificates),
    ]
    with ExitStack() as stack:
        yield [stack.enter_context(gateway) for gateway in made]


@pytest.fixture
def tables(tmp_path: Path, mocks: list[Gateway]) -> str:
    script = tmp_path / "send"
    script.write_text(SCRIPT.format(inbox=tmp_path / "sent"))
    script.chmod(0o700)
    known = [write_toml(mock.configuration()) for mock in mocks]
    # By name, or nothing is resolved.
    return SECTIONS.format(script=script) + "\n".join(known).replace("127.0.0.1", "localhost") + NOTIFICATIONS


def test_a_log_in_imports_nothing(
    tmp_path: Path, imports: Imports, mocks: list[Gateway], tables: str
) -> None:
    names = ["mock", "nobody", *re.findall(r"^\[gateways\.(\w+)\]", tables, re.MULTILINE)]
    users = [
        RadiusUser(f"of-{name}", "secret-word", number.format(index), f'SMSOTP-Gateway := "{name}"')
        for index, (name, number) in enumerate(zip(names, cycle(NUMBERS), strict=False))
    ]
    world = World(
        tmp_path / "world", sections=tables, users=[*users, RadiusUser("of-none", "secret-word", "no number")]
    )
    ask_for(world, "login")
    put_hook_into(world.server, tmp_path / "hook", imports.file)
    with world:
        loaded = imports.of(world.server.pid)
        assert loaded, "the hook is not in the server"
        assert "redis" not in loaded
        world.gateway.inbox = mocks[0].inbox
        for user in users:
            log_in_with_everything(world, user)
        assert world.log_in(world.users[-1]).code == "reject"
        mark = world.server.log_mark()
        for mock in mocks:
            mock.stop()
        for user in users:
            world.log_in(user, Calling_Station_Id="elsewhere")
        world.server.wait_for_log("no gateway took it", after=mark)

        assert " ".join(imports.of(world.server.pid)) == ""


def test_an_answer_in_whatever_encoding_imports_nothing(tmp_path: Path, imports: Imports) -> None:
    named = iter(ENCODINGS)

    def take(conn: socket.socket) -> None:
        (length,) = re.findall(rb"(?i)content-length: (\d+)", read_head(conn))
        conn.recv(int(length), socket.MSG_WAITALL)
        conn.sendall(OF_ENCODING.format(next(named)).encode())

    peer = Peer(take)
    world = World(tmp_path / "world", sections=first_gateway(f"http://127.0.0.1:{peer.port}", timeout=100))
    put_hook_into(world.server, tmp_path / "hook", imports.file)
    try:
        with world:
            assert imports.of(world.server.pid)
            for _ in ENCODINGS:
                mark = world.server.log_mark()
                world.log_in(world.someone())
                world.server.wait_for_log(": gateway first", after=mark)

            assert " ".join(imports.of(world.server.pid)) == ""
    finally:
        peer.close()


def test_a_log_in_with_a_redis_that_goes_and_comes_imports_nothing(tmp_path: Path, imports: Imports) -> None:
    users = people(3)
    with (
        HttpGateway() as gateway,
        RedisServer(tmp_path / "redis", options=["--requirepass", "secret"]) as redis,
    ):
        config = WITH_REDIS.format(port=redis.port, url=gateway.url)
        server = FreeRadiusServer(tmp_path / "radius", users=users, config_toml=config, configure=install)
        put_hook_into(server, tmp_path / "hook", imports.file)

        def log_in(user: RadiusUser) -> None:
            challenge = server.log_in(user.name, user.password)
            assert challenge.code == "challenge"
            server.answer(user.name, "wrong", challenge.state)
            code = gateway.inbox.wait(number=user.phone).code
            assert server.answer(user.name, code, challenge.state).code == "accept"

        with server:
            assert "redis" in imports.of(server.pid)
            log_in(users[0])
            redis.kill()
            assert server.log_in(users[1].name, users[1].password).code == "reject"
            redis.start()
            once(lambda: log_in(users[2]), AssertionError)

            assert " ".join(imports.of(server.pid)) == ""


def log_in_with_everything(world: World, user: RadiusUser) -> None:
    """Log in with a wrong answer and a further SMS; a notification follows."""
    challenge = world.log_in(user)
    assert challenge.code == "challenge"
    world.answer(user, "wrong", challenge.state)
    if user.extra.endswith(('"nobody"', '"script"')):
        world.server.wait_for_log(f'user "{user.name}"')
        world.answer(user, "resend", challenge.state)
        return
    first = world.gateway.inbox.wait(number=read(user))
    world.answer(user, "resend", challenge.state)
    again = world.gateway.inbox.wait(number=read(user), after=first.id)
    assert world.answer(user, again.code, challenge.state).code == "accept"
    world.gateway.inbox.wait(number=read(user), after=again.id)


def read(user: RadiusUser) -> str:
    return "+" + (user.phone or "").replace(" ", "").lstrip("+0")
