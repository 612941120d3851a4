"""A real LDAP directory for the tests: OpenLDAP's slapd on a free port, with its data in a directory of its own."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from tests.support.programs import Running, program

_CONFIG = """
modulepath /usr/lib/ldap
moduleload back_mdb
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
database mdb
suffix "dc=example,dc=org"
directory {directory}
maxsize 10485760
access to attrs=userPassword by anonymous auth
access to * by * read
"""
_ROOT = "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n"
_PERSON = """
dn: uid={name},dc=example,dc=org
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
userPassword: {password}
"""


class Directory:
    """
    A directory that checks passwords by bind, and shows everything else to everybody.

    Args:
        folder: Must exist.
        password: Everybody's.
        people: The values of ``mobile``, by name.
    """

    def __init__(self, folder: Path, password: str, people: Mapping[str, Sequence[str]]) -> None:
        self.port = find_free_tcp_port()
        self._folder = folder
        # A copy: an AppArmor profile lets the original read nothing in a directory for tests.
        self._program = str(shutil.copy(program("slapd", "slapd"), folder / "slapd"))
        self._config = folder / "slapd.conf"
        self._running: Running | None = None
        (folder / "data").mkdir()
        self._config.write_text(_CONFIG.format(directory=folder / "data"))
        entries = [
            _PERSON.format(name=name, password=password) + "".join(f"mobile: {one}\n" for one in mobiles)
            for name, mobiles in people.items()
        ]
        (folder / "people.ldif").write_text(_ROOT + "".join(entries))
        subprocess.run(
            [self._program, "-T", "add", "-q", "-f", self._config, "-l", folder / "people.ldif"],
            check=True,
            capture_output=True,
        )

    def stop(self) -> None:
        """End it; its port refuses connections then."""
        if self._running is not None:
            self._running.stop()

    def __enter__(self) -> Self:
        # With -d it stays in the foreground; level 256 prints what is asked, not passwords.
        command = [
            self._program,
            "-d",
            "256",
            "-h",
            f"ldap://127.0.0.1:{self.port}/",
            "-f",
            str(self._config),
        ]
        self._running = Running(command, self._folder / "slapd.log")
        self._running.wait_for("slapd starting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def enable(self, server: FreeRadiusServer, update: str) -> None:
        """
        Make a FreeRADIUS use it: the distribution's file with the server's address, and what is taken over.

        Args:
            server: Its raddb is changed.
            update: Lines for the section ``update``.
        """
        text = (server.raddb / "mods-available/ldap").read_text()
        for old, new in (
            ("server = 'localhost'", f"server = '127.0.0.1'\n\tport = {self.port}"),
            ("\n\tupdate {\n", f"\n\tupdate {{\n{update}"),
        ):
            assert old in text
            text = text.replace(old, new, 1)
        (server.raddb / "mods-enabled/ldap").write_text(text)
