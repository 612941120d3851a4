"""Tinyproxy: an HTTP proxy that asks for a password."""

from pathlib import Path

from smsotp_mocks.net.ports import find_free_tcp_port
from tests.support.programs import Running, program

USERNAME = "smsotp"
PASSWORD = "proxy-password"

_CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
LogLevel Info
BasicAuth {user} {password}
ConnectPort {https}
"""


class Proxy(Running):
    """
    A proxy on a free port; started when it is made.

    Args:
        folder: For its configuration and log.
        https: The one port that it connects to with CONNECT.
    """

    def __init__(self, folder: Path, https: int) -> None:
        self.port = find_free_tcp_port()
        file = folder / "tinyproxy.conf"
        file.write_text(_CONFIGURATION.format(port=self.port, user=USERNAME, password=PASSWORD, https=https))
        super().__init__([program("tinyproxy", "tinyproxy"), "-d", "-c", str(file)], folder / "tinyproxy.log")
        self.wait_for("listening on fd")

    def url(self, username: str = USERNAME, password: str = PASSWORD) -> str:
        """Where it is, with an account; PROXY takes it."""
        return f"http://{username}:{password}@127.0.0.1:{self.port}"
