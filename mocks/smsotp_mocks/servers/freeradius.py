"""
A real FreeRADIUS with the plugin, in a directory of its own: for tests, demonstrations and measurements.

Knows the plugin only by its command ``smsotp freeradius install``, which is run as a program.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smsotp_mocks.net.ports import find_free_udp_port
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.process_log import Logged, ProcessLog
from smsotp_mocks.servers.raddb import (
    BOB,
    RadiusUser,
    copy_raddb,
    find_program,
    find_raddb,
    write_users,
)
from smsotp_mocks.servers.radius_client import Answer, RadiusClient
from smsotp_mocks.servers.spawn import spawn

_READY = "Ready to process requests"
_START = 60.0  # seconds; a start takes 0.1 to 0.5
_STOP = 60.0  # seconds; the plugin may empty its queue first


class FreeRadiusServer(Logged):
    """
    FreeRADIUS on a free port of 127.0.0.1, with everything it reads and writes below one directory.

    Args:
        directory: Made when it is missing; ``raddb``, ``smsotp.toml``, ``radius.log`` and more appear in it.
        users: The users file.
        config_toml: The plugin's configuration.
        configure: Called once with this server, to make `raddb` serve `address`; None runs
            ``smsotp freeradius install``.
        smsotp: The command; None takes the one beside the running Python.
        port: 0 takes a free one, and keeps it.
        debug: Log every packet (``-x``); passwords too.
        reject_delay: Seconds that FreeRADIUS holds a reject back (its own default is 1).
        source: The configuration directory to copy; None finds this machine's. Its ``radiusd.conf`` says which program
            is started. Of what it has enabled, the copy has nothing.
        modules: What is enabled beside the users file and PAP, by the names in ``mods-available``.
        environment: Variables that the server gets beside those of this process.
    """

    name = "FreeRADIUS"

    def __init__(  # noqa: PLR0913  (every one is an option with a default, given by name)
        self,
        directory: Path,
        *,
        users: Iterable[RadiusUser] = (BOB,),
        config_toml: str = "",
        configure: Callable[["FreeRadiusServer"], None] | None = None,
        smsotp: Path | None = None,
        port: int = 0,
        secret: str = "testing123",  # noqa: S107  (FreeRADIUS's own well-known secret for 127.0.0.1)
        debug: bool = False,
        reject_delay: int = 0,
        source: Path | None = None,
        modules: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.raddb = self.directory / "raddb"
        self.config_file = self.directory / "smsotp.toml"
        self.log_file = self.directory / "radius.log"
        super().__init__(ProcessLog(self.log_file))
        self.address = ("127.0.0.1", port or find_free_udp_port())
        self.secret = secret
        self.users = tuple(users)
        self.debug = debug
        self._config_toml = config_toml
        self._configure = configure or _install
        self._smsotp = smsotp
        self._reject_delay = reject_delay
        self._source = source or find_raddb()
        self._modules = tuple(modules)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running server; None when it is not running."""
        return None if self._process is None else self._process.pid

    @property
    def smsotp(self) -> Path:
        """
        The plugin's command.

        Raises:
            HarnessError: It is not there.
        """
        command = self._smsotp or Path(sys.executable).parent / "smsotp"
        if not command.exists():
            raise HarnessError(f"{command} is missing: install smsotp-plugin there, or give `smsotp=`.")
        return command

    def prepare(self) -> None:
        """
        Write the configuration, once; `start` does so by itself.

        Raises:
            HarnessError: FreeRADIUS is not installed, or the plugin's command failed.
        """
        if self.raddb.exists():
            return
        find_program(self._source)
        self.directory.mkdir(parents=True, exist_ok=True)
        copy_raddb(
            self.raddb,
            source=self._source,
            secret=self.secret,
            reject_delay=self._reject_delay,
            modules=self._modules,
        )
        write_users(self.raddb, self.users)
        self.config_file.write_text(self._config_toml)
        self.config_file.chmod(0o600)
        self._configure(self)

    def start(self) -> Self:
        """
        Start and wait until requests are answered. Does nothing while it runs.

        After `stop`, `kill` or a crash: again on the same port, in the same directory.

        Raises:
            HarnessError: It did not start; with the last lines of its log.
        """
        if self._process is not None and self._process.poll() is None:
            return self
        self.prepare()
        mark = self._log.mark()
        command = [
            str(find_program(self.raddb)),
            "-f",
            "-l",
            "stdout",
            "-d",
            str(self.raddb),
            *(["-x"] if self.debug else []),
        ]
        try:
            spawn(command, self._keep, cwd=self.directory, env=os.environ | self._environment)
            is_ready = self._log.wait(_READY, mark, _START)
        except BaseException:  # whoever is interrupted here knows of no server to end
            self.kill()
            raise
        if not is_ready:
            status = self._end(signal.SIGKILL)
            raise HarnessError(f"FreeRADIUS did not start (status {status}).\n{self._log.tail(mark)}")
        return self

    def stop(self, *, expected: int | None = 0) -> int:
        """
        Ask the server to end (SIGTERM) and wait for it.

        Args:
            expected: The exit status that is demanded; None takes any. Negative: the signal that killed it.

        Returns:
            The exit status; 0 when it was not running.

        Raises:
            AssertionError: Another status, or it had to be killed; with the last lines of its log.
        """
        if self._process is None:
            return 0
        try:
            status = self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)
            raise AssertionError(f"FreeRADIUS did not end within {_STOP:g} s.\n{self._log.tail()}") from None
        if expected is not None and status != expected:
            raise AssertionError(f"FreeRADIUS ended with status {status}.\n{self._log.tail()}")
        return status

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGHUP, to the running server."""
        if self._process is not None:
            self._process.send_signal(number)

    def set_users(self, users: Iterable[RadiusUser]) -> None:
        """Replace the users; they count from the next `start` on."""
        self.users = tuple(users)
        if self.raddb.exists():
            write_users(self.raddb, self.users)

    def client(self, **options: Any) -> RadiusClient:
        """Return a RADIUS client of this server; options are those of `RadiusClient`."""
        return RadiusClient(self.address, self.secret, **options)

    def log_in(self, user: str, password: str, **attributes: Any) -> Answer:
        """Send a first leg. See `RadiusClient.log_in`."""
        return self.client().log_in(user, password, **attributes)

    def answer(self, user: str, code: str, state: bytes, **attributes: Any) -> Answer:
        """Send an answer leg. See `RadiusClient.answer`."""
        return self.client().answer(user, code, state, **attributes)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A test that has failed already should be told about that, not about the server's exit status.
        self.stop(expected=0 if kind is None else None)

    def _keep(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._log.follow(process)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(_STOP)
        self._log.close()
        self._process = None
        return status


def _install(server: FreeRadiusServer) -> None:
    host, port = server.address
    command = [
        *(str(server.smsotp), "freeradius", "install", "--raddb", str(server.raddb)),
        *("--config", str(server.config_file), "--listen", f"{host}:{port}"),
    ]
    done = subprocess.run(  # noqa: S603  (no shell; the plugin's own command)
        command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise HarnessError(
            f"`{' '.join(command)}` ended with status {done.returncode}:\n{done.stdout}{done.stderr}"
        )
