"""What ``smsotp freeradius install`` makes of Debian's configuration, and of others, serves log-ins as the server's own user."""

import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.inbox.inbox import Inbox
from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.raddb import find_program
from smsotp_mocks.servers.radius_client import Answer, RadiusClient

from .raddbs import DEBIAN, USERS, answer_at_once, install, set_main, write_config

pytestmark = [
    pytest.mark.skipif(not DEBIAN.is_dir(), reason="FreeRADIUS is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a server that changes its user"),
]

OTTOS_NUMBER, JURGENS_NUMBER = "+491719934567", "+491701234568"
LIBRARIES = Path("/usr/lib/freeradius")


class Server:
    """FreeRADIUS as an administrator would start it on that directory."""

    def __init__(self, raddb: Path, host: str, port: int) -> None:
        self.process = subprocess.Popen(
            [find_program(raddb), "-f", "-l", "stdout", "-d", raddb],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.client = RadiusClient((host, port), demand_signature=True)
        assert self.process.stdout
        self.log = next(line for line in self.process.stdout if "Ready" in line or "Error" in line)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=100)


@pytest.fixture
def start(directory: Path, raddb: Path) -> Iterator["Start"]:
    """Give a function that installs with a gateway, starts the server and returns it with the inbox."""
    with ExitStack() as running:
        yield Start(directory, raddb, running)


class Start:
    def __init__(self, directory: Path, raddb: Path, running: ExitStack) -> None:
        self.directory, self.raddb, self.running = directory, raddb, running

    def __call__(self, host: str = "127.0.0.1", listen: str = "127.0.0.1") -> tuple[Server, Inbox]:
        inbox, port = Inbox(), find_free_udp_port()
        gateway = self.running.enter_context(HttpGateway(inbox))
        done = install(self.raddb, write_config(self.directory, gateway.url), "--listen", f"{listen}:{port}")
        assert done.returncode == 0, done.stderr
        server = Server(self.raddb, host, port)
        self.running.callback(server.stop)
        return server, inbox


@pytest.fixture(scope="module")
def installed() -> Iterator[tuple[Server, Inbox]]:
    """Give one server that knows every name, and its inbox; each test logs in as somebody else."""
    with tempfile.TemporaryDirectory(prefix="smsotp-") as name, ExitStack() as running:
        directory = Path(name)
        directory.chmod(0o755)
        raddb = directory / "raddb"
        subprocess.run(["cp", "-a", DEBIAN, raddb], check=True)
        for link in ("default", "inner-tunnel"):
            (raddb / "sites-enabled" / link).unlink()
        answer_at_once(raddb)
        # The other tests let SMS be sent that they do not wait for.
        anybody = "".join(
            f'{name} Cleartext-Password := "hello", SMSOTP-Phone := "{number}"\n'
            for name, number in (("otto", OTTOS_NUMBER), ("DEFAULT", "+491701234567"))
        )
        (raddb / "mods-config/files/authorize").write_text(USERS + anybody)
        yield Start(directory, raddb, running)()


def auth_port(site: Path) -> int:
    """Return where the first `listen` section of a site listens."""
    found = re.search(r"^\s*port = (\d+)", site.read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def log_in(server: Server, inbox: Inbox, user: str, password: str, number: str | None = None) -> Answer:
    """Go through both legs."""
    mark = inbox.mark()
    challenge = server.client.log_in(user, password)
    assert challenge.code == "challenge"
    code = inbox.wait(number=number, after=mark).code
    assert code
    return server.client.answer(user, code, challenge.state)


def test_a_copy_of_debians_configuration_serves_the_log_in(start: Start) -> None:
    server, inbox = start()

    assert log_in(server, inbox, "bob", "hello").code == "accept"
    assert Path(f"/proc/{server.process.pid}").stat().st_uid == pwd.getpwnam("freerad").pw_uid


def test_a_copy_that_belongs_to_root_serves_the_log_in_too(start: Start) -> None:
    subprocess.run(["chown", "-R", "root:root", start.raddb], check=True)
    # Some packages leave it to the directory above to lock others out.
    subprocess.run(["chmod", "-R", "o=", start.raddb], check=True)

    server, inbox = start()

    assert log_in(server, inbox, "bob", "hello").code == "accept"
    assert (start.raddb / "clients.conf").stat().st_mode & 0o777 == 0o640


def test_names_and_passwords_beyond_ascii_pass(installed: tuple[Server, Inbox]) -> None:
    server, inbox = installed

    assert log_in(server, inbox, "jürgen", "grüß", JURGENS_NUMBER).code == "accept"


def test_the_site_can_serve_ipv6(start: Start) -> None:
    server, inbox = start("::1", "[::1]")

    assert log_in(server, inbox, "bob", "hello").code == "accept"


def test_a_challenge_keeps_its_attributes(installed: tuple[Server, Inbox]) -> None:
    server, _ = installed

    challenge = server.client.log_in("anna", "hello")

    assert challenge.signed
    assert challenge.reply_messages == ("Enter the code sent to +49 *** **67",)
    assert set(challenge.attributes) == {"Message-Authenticator", "State", "Reply-Message", "Session-Timeout"}


def test_a_wrong_code_brings_another_challenge(installed: tuple[Server, Inbox]) -> None:
    server, inbox = installed
    challenge = server.client.log_in("otto", "hello")
    code = inbox.wait(number=OTTOS_NUMBER).code
    assert code

    again = server.client.answer("otto", "wrong", challenge.state)

    assert (again.code, again.prompt) == ("challenge", "Wrong code. Enter the code sent to +49 *** **67")
    assert server.client.answer("otto", code, again.state).code == "accept"


def test_a_wrong_password_is_rejected_with_a_signature(installed: tuple[Server, Inbox]) -> None:
    server, _ = installed

    answer = server.client.log_in("bob", "wrong")

    assert (answer.code, answer.signed) == ("reject", True)


def test_nobody_gets_in_without_a_code(installed: tuple[Server, Inbox]) -> None:
    server, _ = installed

    assert server.client.log_in("open", "x").code == "reject"
    assert server.client.log_in("poor", "hello").code == "reject"


def test_a_state_that_is_not_ours_makes_no_difference(installed: tuple[Server, Inbox]) -> None:
    server, _ = installed

    assert server.client.answer("bob", "hello", b"\0\xff" * 20).code == "challenge"
    assert server.client.answer("bob", "123456", b"a" * 32).code == "reject"


def test_who_is_locked_between_the_legs_stays_out(start: Start) -> None:
    users = start.raddb / "mods-config/files/authorize"
    users.write_text('DEFAULT Calling-Station-Id == "locked", Auth-Type := Reject\n' + users.read_text())
    server, inbox = start()
    challenge = server.client.log_in("bob", "hello")
    code = inbox.wait().code
    assert code

    assert server.client.answer("bob", code, challenge.state, Calling_Station_Id="locked").code == "reject"
    assert server.client.answer("bob", code, challenge.state).code == "accept"


def test_debians_own_site_serves_the_log_in_with_the_policies(start: Start) -> None:
    site = start.raddb / "sites-available/default"
    text = site.read_text()
    for old, new in (
        ("authorize {\n", "authorize {\n\tsmsotp_guard\n"),
        ("\n\tpap\n", "\n\tpap\n\tsmsotp_authorize\n"),
        ("\t\tpap\n\t}", "\t\tpap\n\t\tif (ok) {\n\t\t\tsmsotp_challenge\n\t\t}\n\t\telse {\n\t\t\treject\n\t\t}\n\t}"),
        ("\npost-auth {\n", "\npost-auth {\n\tsmsotp_post_auth\n"),
        ("\t\tattr_filter.access_reject\n", "\t\tattr_filter.access_reject\n\t\tsmsotp_sign_reply\n"),
    ):  # fmt: skip
        assert text.count(old) == 1
        text = text.replace(old, new)
    site.write_text(text)
    server, inbox = start()
    server.client = RadiusClient(("127.0.0.1", auth_port(site)), demand_signature=True)

    assert log_in(server, inbox, "bob", "hello").code == "accept"
    assert server.client.log_in("bob", "wrong").code == "reject"
    assert server.client.log_in("open", "x").code == "reject"


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (b"bob\0x", b"hello"),
        (b"bob\0", b"hello"),
        (b"\0bob", b"hello"),
        (b"bob", b"hello\0x"),
        (b"bob\xff", b"hello"),
        ("jürgen".encode("latin-1"), "grüß".encode()),
        ("jürgen".encode(), "grüß".encode("latin-1")),
        (b"\xed\xa0\x80", b"hello"),
        (b"\xc0\x80", b"hello"),
    ],
)
def test_a_name_or_password_that_is_no_text_is_refused(
    installed: tuple[Server, Inbox], user: bytes, password: bytes
) -> None:
    server, _ = installed

    assert server.client.log_in(user, password).code == "reject"
    assert server.client.log_in("bob", "hello").code == "challenge"


@pytest.fixture
def foreign(directory: Path) -> Path:
    """Give a raddb as Red Hat, Alpine and upstream have it: other names, other places, another user."""
    raddb = directory / "etc/raddb"
    raddb.parent.mkdir()
    subprocess.run(["cp", "-a", DEBIAN, raddb], check=True)
    for link in (*raddb.glob("sites-enabled/*"), raddb / "mods-enabled/eap"):
        link.unlink()
    for place, target in (("usr/sbin/radiusd", "/usr/sbin/freeradius"), ("usr/lib64/freeradius", LIBRARIES)):
        (directory / place).parent.mkdir(parents=True)
        (directory / place).symlink_to(target)
    set_main(
        raddb,
        prefix=str(directory / "usr"),
        exec_prefix="${prefix}",
        sysconfdir=str(directory / "etc"),
        localstatedir=str(directory / "var"),
        raddbdir="${sysconfdir}/raddb",
        name="radiusd",
        libdir="${exec_prefix}/lib64/freeradius",
        user="daemon",
        group="daemon",
        reject_delay="0",
    )
    users = raddb / "mods-config/files/authorize"
    users.write_text(USERS + users.read_text())
    subprocess.run(["chown", "-R", "root:daemon", raddb], check=True)
    raddb.chmod(0o750)
    return raddb


def test_a_raddb_of_another_layout_serves_the_log_in_as_its_own_user(directory: Path, foreign: Path) -> None:
    with ExitStack() as running:
        server, inbox = Start(directory, foreign, running)()

        assert log_in(server, inbox, "bob", "hello").code == "accept"
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == pwd.getpwnam("daemon").pw_uid
        assert (directory / "store").stat().st_uid == pwd.getpwnam("daemon").pw_uid


def test_program_and_modules_are_those_that_radiusd_conf_names(
    directory: Path, foreign: Path, config: Path
) -> None:
    done = install(foreign, config, "--listen", f"127.0.0.1:{find_free_udp_port()}")

    assert done.returncode == 0
    assert "radiusd -C accepts the configuration.\n" in done.stdout
    (directory / "usr/lib64/freeradius").unlink()
    assert (
        f"problem: {directory}/usr/lib64/freeradius/rlm_python3.so is missing"
        in install(foreign, config).stderr
    )
