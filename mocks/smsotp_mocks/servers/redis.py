"""A Redis (or Valkey) of its own for a test, on a free port of 127.0.0.1; keeps nothing on disk unless told to."""

import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.process_log import ProcessLog

_READY = "Ready to accept connections"
_LIMIT = 20.0  # seconds; a start takes 0.03


class RedisServer:
    """
    Can be stopped, killed and started again on the same port.

    Args:
        directory: For its log and, with `durable`, its data.
        durable: Every write reaches the disk before it is answered, and is there after a new start.
    """

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        self.directory = directory
        self.port = find_free_tcp_port()
        self.durable = durable
        self._log = ProcessLog(directory / "redis.log")
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """For ``[store] url``."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """
        Start and wait until connections are taken.

        Raises:
            HarnessError: It is not installed, or did not start; with the last lines of its log.
        """
        if self._process is not None and self._process.poll() is None:
            return self
        self.directory.mkdir(parents=True, exist_ok=True)
        mark = self._log.mark()
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.directory),
        ]
        options += ["--appendonly", "yes" if self.durable else "no", "--appendfsync", "always"]
        self._process = subprocess.Popen(  # noqa: S603  (no shell; the program was found on the path)
            [_find_program(), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._log.follow(self._process)
        if not self._log.wait(_READY, mark, _LIMIT):
            self._end(signal.SIGKILL)
            raise HarnessError(f"Redis did not start.\n{self._log.tail(mark)}")
        return self

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang (SIGSTOP): connections stay open and get no answer."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End a `freeze`."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self._process.wait(_LIMIT)
        self._log.close()
        self._process = None


def _find_program() -> str:
    path = shutil.which("redis-server") or shutil.which("valkey-server")
    if path is None:
        raise HarnessError("Redis is not installed: apt-get install redis-server (or valkey-server)")
    return path
