"""Kannel: its bearerbox, which binds to an SMSC, and its smsbox, which takes messages over HTTP."""

import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from smsotp_mocks.gateways.smpp.gateway import Smsc
from smsotp_mocks.net.ports import find_free_tcp_port
from tests.support.programs import Running, program

USERNAME = "tester"
PASSWORD = "sendsms-password"

_CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
box-deny-ip = "*.*.*.*"
log-level = 0
dlr-storage = internal
sms-resend-freq = 1
{core}
{smscs}
group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-level = 0

group = sendsms-user
username = {user}
password = {password}
max-messages = 10
concatenation = true
"""

_SMSC = """
group = smsc
smsc = smpp
smsc-id = mock
host = 127.0.0.1
smsc-username = {user}
smsc-password = {password}
system-type = ""
source-addr-autodetect = true
reconnect-delay = 1
{settings}
"""


class Kannel:
    """
    A Kannel that is bound to a mock.

    Args:
        directory: For its configuration and logs.
        smsc: The mock.
        settings: Of the group smsc, where they are not `port` and `transceiver-mode`.
        receiver: Whether receipts come over a session of their own.
        core: Further settings of the group core.
        password: What it binds with; None: what the mock asks for.
    """

    def __init__(
        self,
        directory: Path,
        smsc: Smsc,
        settings: str = "",
        *,
        receiver: bool = False,
        core: str = "",
        password: str | None = None,
    ) -> None:
        def group(settings: str) -> str:
            return _SMSC.format(
                user=smsc.accounts.smpp_system_id,
                password=password or smsc.accounts.smpp_password,
                settings=settings,
            )

        groups = group(settings or f"port = {smsc.port}\ntransceiver-mode = true")
        self._directory = directory
        self._sendsms = find_free_tcp_port()
        self._file = directory / "kannel.conf"
        self._file.write_text(
            _CONFIGURATION.format(
                admin=find_free_tcp_port(),
                boxes=find_free_tcp_port(),
                sendsms=self._sendsms,
                user=USERNAME,
                password=PASSWORD,
                core=core,
                smscs=groups + group(f"receive-port = {smsc.port}") * receiver,
            )
        )

    @property
    def sendsms_url(self) -> str:
        """Where messages are handed in."""
        return f"http://127.0.0.1:{self._sendsms}/cgi-bin/sendsms"

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.bearerbox = self._start("bearerbox")
            started.callback(self.bearerbox.stop)
            self.bearerbox.wait_for("entering mainloop")
            self.smsbox = self._start("smsbox")
            started.callback(self.smsbox.stop)
            # "Connected to bearerbox" is too early: a message that comes right then crashes smsbox 1.4.5.
            self.smsbox.wait_for("heartbeat_thread")
            self._started = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()

    def _start(self, name: str) -> Running:
        return Running([program(name, "kannel"), str(self._file)], self._directory / f"{name}.log")

    def wait_until_bound(self, after: int = 0, answer: str = "bind_transceiver_resp") -> None:
        """Wait until the SMSC has answered a bind."""
        self.bearerbox.wait_for(f"type_name: {answer}", after)

    def send(self, number: str, text: str, **more: str) -> tuple[int, str]:
        """Hand a message in; return status and answer."""
        query = {
            "username": USERNAME,
            "password": PASSWORD,
            "from": "smsotp",
            "to": number,
            "text": text,
            "charset": "UTF-8",
            **more,
        }
        with urllib.request.urlopen(
            f"{self.sendsms_url}?{urllib.parse.urlencode(query)}", timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
