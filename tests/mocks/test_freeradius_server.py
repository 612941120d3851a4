import hashlib
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsotp_mocks.servers import raddb
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser, find_raddb, render_plain_site
from smsotp_mocks.servers.radius_client import NoAnswer, RadiusClient

ALICE = RadiusUser("alice", 'sec"ret\\')
#: What FreeRADIUS gives a meaning of its own between quotes.
STRANGE = [
    "he%{User-Name}l",
    "%{x",
    "100%",
    "${x}",
    "$ENV{PATH}",
    "o'hara",
    "a\\'b",
    "\\n",
    "`id`",
    " lead",
    "pässwörd",
]
PEOPLE = [RadiusUser(f"person{number}", password) for number, password in enumerate(STRANGE)]
ANNA = [RadiusUser("SHOP\\anna", "secret"), RadiusUser('anna "the boss"', "secret")]

pytestmark = pytest.mark.skipif(
    shutil.which("freeradius", path="/usr/sbin") is None, reason="freeradius is not installed"
)


def configure(server: FreeRadiusServer) -> None:
    (server.raddb / "sites-enabled/plain").write_text(render_plain_site(server.address))


def plain(directory: Path) -> FreeRadiusServer:
    return FreeRadiusServer(directory, users=[ALICE, *ANNA, *PEOPLE], configure=configure)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadiusServer]:
    with plain(tmp_path_factory.mktemp("radius")) as running:
        yield running


def test_the_right_password_is_accepted(server: FreeRadiusServer) -> None:
    assert server.log_in("alice", 'sec"ret\\').code == "accept"


@pytest.mark.parametrize("person", PEOPLE, ids=STRANGE)
def test_a_password_may_hold_anything(server: FreeRadiusServer, person: RadiusUser) -> None:
    assert server.log_in(person.name, person.password).code == "accept"


def test_a_name_in_a_windows_domain_or_with_a_quote_is_found(server: FreeRadiusServer) -> None:
    assert server.log_in("SHOP\\anna", "secret").code == "accept"
    assert server.log_in('anna "the boss"', "secret").code == "accept"


@pytest.mark.parametrize("secret", ["a${x}b", "$ENV{PATH}", "it's", 'say "it"', "back\\slash", "%{x}#"])
def test_a_shared_secret_may_hold_anything(tmp_path: Path, secret: str) -> None:
    with FreeRadiusServer(tmp_path, users=[ALICE], configure=configure, secret=secret) as server:
        assert server.log_in("alice", ALICE.password).code == "accept"


def test_a_wrong_password_is_rejected_without_delay(server: FreeRadiusServer) -> None:
    begun = time.monotonic()
    for _ in range(30):
        answer = server.log_in("alice", "wrong", Calling_Station_Id="192.0.2.7")
        assert (answer.code, answer.prompt, answer.state) == ("reject", "", b"")

    # With FreeRADIUS's own delay each takes a second or more.
    assert time.monotonic() - begun < 30


@pytest.fixture
def unsigned(server: FreeRadiusServer) -> Iterator[RadiusClient]:
    """A client of a server that accepts everybody and signs nothing, as FreeRADIUS does not before 3.2.5."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def accept() -> None:
            while (received := listening.recvfrom(4096))[0]:
                request, sender = received
                # RFC 2865 section 3: an Access-Accept without attributes, with its response authenticator.
                header = bytes((2, request[1], 0, 20))
                hashed = hashlib.md5(header + request[4:20] + server.secret.encode()).digest()
                listening.sendto(header + hashed, sender)

        thread = threading.Thread(target=accept)
        thread.start()
        yield RadiusClient(listening.getsockname(), server.secret)
        listening.sendto(b"", listening.getsockname())
        thread.join()


def test_an_unsigned_answer_is_taken_unless_a_signature_is_demanded(unsigned: RadiusClient) -> None:
    answer = unsigned.log_in("alice", "x")

    assert (answer.code, answer.signed) == ("accept", False)
    unsigned.demand_signature, unsigned.timeout = True, 0.5
    with pytest.raises(NoAnswer):
        unsigned.log_in("alice", "x")


def test_a_wrong_secret_gets_no_answer(server: FreeRadiusServer) -> None:
    with pytest.raises(NoAnswer, match="no valid answer"):
        RadiusClient(server.address, "wrong", timeout=0.3).log_in("alice", "x")


def test_many_threads_share_one_client(server: FreeRadiusServer) -> None:
    client = server.client()
    codes: list[str] = []
    threads = [
        threading.Thread(target=lambda: codes.append(client.log_in("alice", 'sec"ret\\').code))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == ["accept"] * 16


def test_it_starts_again_on_the_same_port_after_stop_and_kill(tmp_path: Path) -> None:
    server = plain(tmp_path / "made" / "for it")
    server.start()
    assert server.stop() == 0
    with pytest.raises(NoAnswer, match="Nothing listens"):
        server.log_in("alice", "x")
    server.start()
    server.kill()
    with server.start():
        assert server.log_in("alice", "wrong").code == "reject"

    assert server.log_text().count("Ready to process requests") == 3
    assert server.log_text() == server.log_file.read_text()


def test_new_users_count_from_the_next_start(tmp_path: Path) -> None:
    server = plain(tmp_path).start()
    server.set_users([RadiusUser("carol", "tea")])
    server.stop()
    with server:
        assert server.log_in("carol", "tea").code == "accept"


def test_nothing_is_written_outside_the_directory(tmp_path: Path) -> None:
    with plain(tmp_path):
        names = {path.name for path in tmp_path.iterdir()}
        pid = (tmp_path / "run/freeradius.pid").exists()

    assert names == {"raddb", "log", "run", "smsotp.toml", "radius.log"}
    assert not pid, "with -f there is no pid file"


def test_a_failed_start_shows_the_log(tmp_path: Path) -> None:
    def break_it(server: FreeRadiusServer) -> None:
        (server.raddb / "sites-enabled/broken").write_text("server x {\n\tauthorize {\n\t\tnonsense\n")

    server = FreeRadiusServer(tmp_path, users=[ALICE], configure=break_it)

    with pytest.raises(HarnessError, match="did not start") as failure:
        server.start()

    assert "sites-enabled/broken" in str(failure.value)
    assert server.pid is None


def test_a_log_line_that_does_not_come_is_explained(server: FreeRadiusServer) -> None:
    with pytest.raises(AssertionError, match="did not log 'never'"):
        server.wait_for_log("never", timeout=0.01)


def test_the_plugins_command_is_run_with_directory_config_and_address(tmp_path: Path) -> None:
    command = tmp_path / "smsotp"
    command.write_text('#!/bin/sh\necho "$@" >&2\nexit 3\n')
    command.chmod(0o755)
    server = FreeRadiusServer(tmp_path / "it", smsotp=command, config_toml="[otp]\n", port=1812)

    with pytest.raises(HarnessError, match="status 3") as failure:
        server.start()

    wanted = f"freeradius install --raddb {tmp_path}/it/raddb --config {tmp_path}/it/smsotp.toml --listen 127.0.0.1:1812"
    assert wanted in str(failure.value)
    assert server.config_file.read_text() == "[otp]\n"


def test_a_missing_command_is_explained(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="install smsotp-plugin"):
        FreeRadiusServer(tmp_path, smsotp=tmp_path / "none").start()


def test_a_missing_freeradius_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raddb, "_PROGRAMS", ("no-such-program",))

    with pytest.raises(HarnessError, match="apt-get install freeradius freeradius-python3"):
        FreeRadiusServer(tmp_path, source=tmp_path / "none").start()


def test_program_and_modules_are_those_that_the_source_names(tmp_path: Path) -> None:
    source, program = tmp_path / "etc/raddb", tmp_path / "usr/sbin/radiusd"
    source.parent.mkdir()
    shutil.copytree(find_raddb(), source, symlinks=True)
    main = source / "radiusd.conf"
    own = {
        "prefix": tmp_path / "usr",
        "sbindir": "${prefix}/sbin",
        "name": "radiusd",
        "libdir": "${prefix}/lib64",
    }
    text = main.read_text()
    for name, value in own.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
    main.write_text(text)
    for link, target in ((program, "/usr/sbin/freeradius"), (tmp_path / "usr/lib64", "/usr/lib/freeradius")):
        link.parent.mkdir(exist_ok=True, parents=True)
        link.symlink_to(target)

    with FreeRadiusServer(tmp_path / "it", users=[ALICE], configure=configure, source=source) as server:
        assert server.log_in("alice", ALICE.password).code == "accept"
        assert Path(f"/proc/{server.pid}/cmdline").read_bytes().startswith(f"{program}\0".encode())


def test_a_missing_source_is_explained(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="Cannot copy"):
        FreeRadiusServer(tmp_path, source=tmp_path / "none").start()


def busy_source(directory: Path) -> Path:
    """Return a configuration as a machine may have it: with a directory, a database, a site and a home server."""
    source = directory / "source"
    shutil.copytree(find_raddb(), source, symlinks=True)
    foreign = {
        "mods-enabled/ldap": "ldap {\n\tserver = 'ldap.invalid'\n}\n",
        "mods-enabled/mine": "python3 mine {\n\tmodule = mine\n}\n",
        "sites-enabled/foreign": render_plain_site(("127.0.0.1", 1812)).replace(
            "server plain", "server foreign"
        ),
        "proxy.conf": "home_server other {\n\tipaddr = other.invalid\n\tsecret = x\n}\n",
    }
    for name, text in foreign.items():
        (source / name).write_text(text)
    (source / "mods-enabled/files").unlink()
    main = source / "radiusd.conf"
    inline = "modules {\n\tldap second {\n\t\tserver = 'ldap.invalid'\n\t}\n"
    text = main.read_text().replace("\nmodules {\n", f"\n{inline}")
    main.write_text(text.replace("\ninstantiate {\n", "\ninstantiate {\n\tldap\n"))
    return source


def test_nothing_that_the_source_has_enabled_is_taken_over(tmp_path: Path) -> None:
    source = busy_source(tmp_path)

    with FreeRadiusServer(tmp_path / "it", users=[ALICE], configure=configure, source=source) as server:
        assert server.log_in("alice", ALICE.password).code == "accept"
        assert [path.name for path in (server.raddb / "sites-enabled").iterdir()] == ["plain"]
        assert "ldap" not in server.log_text()


def test_further_modules_are_enabled_by_their_names(tmp_path: Path) -> None:
    server = FreeRadiusServer(tmp_path, modules=["chap", "pap"], configure=lambda _: None)
    server.prepare()

    enabled = {path.name for path in (server.raddb / "mods-enabled").iterdir()}
    assert enabled == {"always", "attr_filter", "chap", "expiration", "expr", "files", "logintime", "pap"}


def test_a_module_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no mods-available/nothing"):
        FreeRadiusServer(tmp_path, modules=["nothing"]).prepare()
