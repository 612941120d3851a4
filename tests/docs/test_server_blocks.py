"""What the pages show of FreeRADIUS's configuration, put where the page says and read by a real FreeRADIUS."""

import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smsotp_mocks import HttpGateway, Inbox
from smsotp_mocks.gateways.toml import write_toml
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import find_program
from tests.e2e.raddbs import change_raddb
from tests.support.markdown import ROOT, Block, blocks

INSTALL = ROOT / "docs/install.md"
UNLANG = blocks("unlang")
USERS = blocks("users")

#: What a virtual server has where the block shows another section of it.
SECTIONS = {
    "authorize": "authorize {\n\tsmsotp_guard\n\tfiles\n\tpap\n\tsmsotp_authorize\n}\n",
    "authenticate": "authenticate {\n\tAuth-Type PAP {\n\t\tpap\n\t\tif (ok) {\n\t\t\tsmsotp_challenge\n\t\t}\n\t}\n}\n",
    "post-auth": "post-auth {\n\tsmsotp_post_auth\n\tPost-Auth-Type REJECT {\n\t\tsmsotp_sign_reply\n\t}\n}\n",
}


def site(address: tuple[str, int], sections: dict[str, str]) -> str:
    listen = f"listen {{\n\ttype = auth\n\tipaddr = {address[0]}\n\tport = {address[1]}\n}}\n"
    return f"server shown {{\n{listen}{''.join((SECTIONS | sections).values())}}}\n"


def whole(text: str, *, instead: str = "") -> str:
    """Return a block with what the page leaves out as dots."""
    return re.sub(r"^\s*\.\.\.\n", instead, text, flags=re.MULTILINE).replace('"..."', '"left-out"')


def put(server: FreeRadiusServer, block: Block) -> None:
    """Put a block where it belongs: a section of a site, something in ``authorize``, a client, part of a module."""
    text, sections = whole(block.text), {}
    first = text.split()[0]
    if first == "client":
        with (server.raddb / "clients.conf").open("a") as clients:
            clients.write(text)
    elif first == "home_server":
        with (server.raddb / "proxy.conf").open("a") as proxies:
            proxies.write(text)
    elif first in SECTIONS:
        sections[first] = text
    elif text.startswith("update {"):
        module = server.raddb / "mods-available/ldap"
        shown = module.read_text()
        begin = shown.index("\tupdate {")
        module.write_text(shown[:begin] + text + shown[shown.index("\n\t}\n", begin) + 4 :])
    else:
        sections["authorize"] = SECTIONS["authorize"].replace("\tpap\n", text + "\tpap\n")
    (server.raddb / "sites-enabled/shown").write_text(site(server.address, sections))


def install(server: FreeRadiusServer) -> None:
    command: list[str | Path] = [server.smsotp, "freeradius", "install", "--raddb", server.raddb]
    command += ["--config", server.config_file]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def enable_directories(server: FreeRadiusServer) -> None:
    """Enable the modules that the pages speak of beside `files`; neither looks for its server at the start."""
    for name in ("ldap", "sql"):
        module = server.raddb / "mods-available" / name
        module.write_text(re.sub(r"^(\s*start) = .*$", r"\1 = 0", module.read_text(), flags=re.MULTILINE))
        (server.raddb / "mods-enabled" / name).symlink_to(f"../mods-available/{name}")


def prepared(directory: Path, change: Callable[[FreeRadiusServer], None]) -> FreeRadiusServer:
    def configure(server: FreeRadiusServer) -> None:
        (server.raddb / "sites-enabled/shown").write_text(site(server.address, {}))
        change_raddb(server.raddb, server.config_file)
        change(server)

    store = f'[store]\nurl = "sqlite://{directory}/store/smsotp.db"\n'
    gateway = write_toml({"gateways.any": {"provider": "script", "SCRIPT": "/bin/true"}})
    server = FreeRadiusServer(directory, config_toml=store + gateway, configure=configure)
    server.prepare()
    return server


def judge(server: FreeRadiusServer) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [find_program(server.raddb), "-XC", "-d", server.raddb]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_there_is_something_to_put_into_a_server() -> None:
    assert len(UNLANG) > 7
    assert len(USERS) > 1


@pytest.mark.parametrize("block", UNLANG, ids=str)
def test_freeradius_accepts_every_block_of_its_configuration(block: Block, tmp_path: Path) -> None:
    def change(server: FreeRadiusServer) -> None:
        enable_directories(server)
        put(server, block)

    done = judge(prepared(tmp_path / "server", change))

    assert done.returncode == 0, "\n".join(done.stdout.splitlines()[-15:])


def test_freeradius_refuses_a_block_with_a_mistake(tmp_path: Path) -> None:
    shown = next(block.text for block in UNLANG if block.page == INSTALL and "smsotp_" in block.text)
    mistaken = Block(INSTALL, 1, "unlang", shown.replace("smsotp_", "smotp_"))

    done = judge(prepared(tmp_path / "server", lambda server: put(server, mistaken)))

    assert done.returncode != 0


@pytest.mark.parametrize("user", USERS, ids=str)
def test_the_places_of_step_five_and_a_user_make_a_log_in_with_a_code(user: Block, tmp_path: Path) -> None:
    shown = [block for block in UNLANG if block.page == INSTALL]
    sections = {
        name: whole(next(block.text for block in shown if block.text.startswith(name)), instead="\tfiles\n")
        for name in ("authorize", "authenticate")
    } | {"post-auth": whole(next(block.text for block in shown if block.text.startswith("post-auth")))}

    def configure(server: FreeRadiusServer) -> None:
        (server.raddb / "sites-enabled/shown").write_text(site(server.address, sections))
        (server.raddb / "mods-config/files/authorize").write_text(user.text)
        install(server)

    inbox = Inbox()
    with HttpGateway(inbox) as gateway:
        store = {"store": {"url": f"sqlite://{tmp_path}/store/smsotp.db"}}
        toml = write_toml(store | gateway.configuration())
        with FreeRadiusServer(tmp_path / "server", config_toml=toml, configure=configure) as server:
            challenge = server.log_in("bob", "hello")
            code = inbox.wait(number="+491701234567").code
            answer = server.answer("bob", code, challenge.state)

    assert (challenge.code, answer.code) == ("challenge", "accept")


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_every_statement_runs_on_freeradius_own_tables(block: Block) -> None:
    schema = Path("/etc/freeradius/3.0/mods-config/sql/main/sqlite/schema.sql").read_text()
    with sqlite3.connect(":memory:") as database:
        database.executescript(schema + block.text)
        rows = database.execute("SELECT username, attribute, op, value FROM radcheck").fetchall()
    database.close()

    assert rows == [("bob", "SMSOTP-Phone", ":=", "+491701234567")]
