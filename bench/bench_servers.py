"""The FreeRADIUS servers that are measured: each first checks a password from the users file."""

import contextlib
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser, render_plain_site

#: Every name is that of a user, and a name of seven digits has a telephone number of its own.
ANYBODY = RadiusUser("DEFAULT", "hello", "+49170%{User-Name}")
PASSWORD = "hello"

_DO_NOTHING = '''"""Answers every request with the same challenge."""


def authenticate(packet):
    reply = (("State", ":=", "0" * 32), ("Reply-Message", ":=", "Enter the code"), ("Session-Timeout", ":=", "300"))
    return 3, reply, (("Response-Packet-Type", ":=", "Access-Challenge"),)
'''
_DO_NOTHING_MODULE = """python3 do_nothing {{
	python_path = "{folder}"
	module = do_nothing
	mod_authenticate = ${{.module}}
	func_authenticate = authenticate
}}
"""
_HTTP_GATEWAY = """
[gateways.{name}]
provider = "http"
URL = "http://127.0.0.1:{port}/sms"
HTTP_METHOD = "POST"
RETURN_SUCCESS = "OK"
{more}
[gateways.{name}.options]
to = "{{phone}}"
text = "{{otp}}"
"""
_SILENT_PROVIDER = '''"""Takes every message and sends nothing."""

from smsotp_plugin.api import GatewaySettings, Provider, Receipt


class SilentProvider(Provider):
    Settings = GatewaySettings

    def compose(self, message):
        return message

    def exchange(self, request, deadline):
        return None

    def judge(self, answer):
        return Receipt()

    def probe(self, deadline):
        pass
'''


def do_nothing_server(folder: Path) -> FreeRadiusServer:
    """Return a server whose rlm_python3 module does nothing: it shows what FreeRADIUS and the interpreter alone cost."""
    return FreeRadiusServer(folder, users=(ANYBODY,), configure=_install_do_nothing)


def make_plugin_server(folder: Path, gateway_toml: str, threads: int | None = None) -> FreeRadiusServer:
    """
    Return a server with the plugin and an SQLite store.

    Args:
        gateway_toml: The tables of its gateways.
        threads: How many threads FreeRADIUS has; None for Debian's setting (5 to 32).
    """
    # Room for all messages that pile up while a gateway is asleep, so that no log-in is refused.
    common = f'[store]\nurl = "sqlite://{folder}/smsotp.db"\n\n[dispatch]\nqueue = 1000000\n\n'
    server = FreeRadiusServer(folder, users=(ANYBODY,), config_toml=common + gateway_toml)
    server.prepare()
    if threads is not None:
        _set_threads(server.raddb / "radiusd.conf", threads)
    return server


def make_shared_server(folder: Path, store: str, gateway_toml: str) -> FreeRadiusServer:
    """
    Return a server with the plugin that counts each SMS as usual, with limits that nobody reaches.

    Args:
        store: URL of its store, which others may use too.
        gateway_toml: The tables of its gateways.
    """
    key = "" if store.startswith("sqlite:") else 'key = "a key of enough characters for a run"\n'
    limits = '[limits]\nper_user = ["1000000/d"]\nper_number = ["1000000/d"]\n\n'
    common = f'[store]\nurl = "{store}"\n{key}\n[dispatch]\nqueue = 1000000\n\n{limits}'
    return FreeRadiusServer(folder, users=(ANYBODY,), config_toml=common + gateway_toml)


def write_http_gateway(port: int, name: str = "http", more: str = "") -> str:
    """
    Return the tables of a gateway that is spoken to over HTTP.

    Args:
        port: On this machine.
        name: Its name; no two gateways in a file have the same.
        more: Lines with further parameters.
    """
    return _HTTP_GATEWAY.format(name=name, port=port, more=more)


@contextlib.contextmanager
def kill_at_the_end(server: FreeRadiusServer) -> Iterator[None]:
    """Run a server and kill it at the end: if it were stopped, it would go on for a minute with messages for a sleeping gateway."""
    server.start()
    try:
        yield
    finally:
        server.kill()


def add_plain_site(server: FreeRadiusServer) -> tuple[str, int]:
    """Make a server check passwords alone at a second address; return that address."""
    server.prepare()
    address = ("127.0.0.1", find_free_udp_port())
    (server.raddb / "sites-enabled/plain").write_text(render_plain_site(address))
    return address


@contextlib.contextmanager
def silent_provider(folder: Path) -> Iterator[str]:
    """
    Install a third-party provider that sends nothing, as an editable package is installed; yield its gateway table.

    Args:
        folder: Where its files go.
    """
    package = folder / "silent_provider-1.dist-info"
    package.mkdir(parents=True)
    (folder / "silent_provider.py").write_text(_SILENT_PROVIDER)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: silent-provider\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[smsotp.providers]\nsilent = silent_provider:SilentProvider\n")
    link = Path(sysconfig.get_path("purelib")) / "silent_provider.pth"
    link.write_text(f"{folder}\n")
    try:
        yield '[gateways.silent]\nprovider = "silent"\n'
    finally:
        link.unlink()


def _install_do_nothing(server: FreeRadiusServer) -> None:
    (server.directory / "do_nothing.py").write_text(_DO_NOTHING)
    (server.raddb / "mods-enabled/do_nothing").write_text(_DO_NOTHING_MODULE.format(folder=server.directory))
    site = render_plain_site(server.address).replace("server plain", "server do_nothing")
    site = site.replace("\t\t\tpap\n", "\t\t\tpap\n\t\t\tif (ok) {\n\t\t\t\tdo_nothing\n\t\t\t}\n")
    (server.raddb / "sites-enabled/do_nothing").write_text(site)
    # SMSOTP-Phone is in the users file, and only the plugin's installer defines it.
    with (server.raddb / "dictionary").open("a") as dictionary:
        dictionary.write("ATTRIBUTE\tSMSOTP-Phone\t3990\tstring\n")


def _set_threads(path: Path, threads: int) -> None:
    values = {
        "start_servers": threads,
        "max_servers": threads,
        "min_spare_servers": 1,
        "max_spare_servers": threads,
    }
    lines = [
        f"\t{name} = {values[name]}" if (name := line.partition("=")[0].strip()) in values else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")
