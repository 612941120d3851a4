"""A Redis (or Valkey) of its own for a test, on a free port of 127.0.0.1; keeps nothing on disk unless told to. And Sentinels."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.process_log import ProcessLog

_LIMIT = 20.0  # seconds; a start takes 0.03


class RedisServer:
    """
    Can be stopped, killed and started again on the same port.

    Args:
        directory: For its log and, with `durable`, its data.
        durable: Every write reaches the disk before it is answered, and is there after a new start.
        options: Further ones, as on its command line: ``["--maxmemory", "1mb"]``.
    """

    #: What its log says when it can be used.
    ready = "Ready to accept connections"

    def __init__(self, directory: Path, *, durable: bool = False, options: Sequence[str] = ()) -> None:
        self.directory = directory
        self.port = find_free_tcp_port()
        self.durable = durable
        self.options = options
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
        self._process = subprocess.Popen(  # noqa: S603  (no shell; the program was found on the path)
            [_find_program(), *self.arguments(), *self.options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._log.follow(self._process)
        if not self._log.wait(self.ready, mark, _LIMIT):
            self._end(signal.SIGKILL)
            raise HarnessError(f"Redis did not start.\n{self._log.tail(mark)}")
        return self

    def arguments(self) -> list[str]:
        """Return what it is started with, beside `options`."""
        return [
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "always"),
        ]

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


class RedisSentinel(RedisServer):
    """
    A Sentinel: it watches a Redis, and makes a replica of that the new one when it is gone.

    Args:
        directory: For its log and its configuration, which it rewrites.
        watched: The Redis, as it is when this is started.
        name: What the Redis is called.
        quorum: How many Sentinels must miss the Redis.
        down_after: Seconds without an answer after which it is missed.
    """

    ready = "monitor master"

    def __init__(
        self,
        directory: Path,
        watched: RedisServer,
        *,
        name: str = "mymaster",
        quorum: int = 1,
        down_after: float = 0.5,
    ) -> None:
        super().__init__(directory)
        self._watched = watched
        self._settings = (
            f"port {self.port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor {name} 127.0.0.1 {watched.port} {quorum}\n"
            f"sentinel down-after-milliseconds {name} {down_after * 1000:.0f}\n"
            f"sentinel failover-timeout {name} 3000\n"
        )

    def arguments(self) -> list[str]:
        """Return what it is started with; its configuration is written at the first start."""
        file = self.directory / "sentinel.conf"
        if not file.exists():
            file.write_text(self._settings)
        return [str(file), "--sentinel"]


def _find_program() -> str:
    path = shutil.which("redis-server") or shutil.which("valkey-server")
    if path is None:
        raise HarnessError("Redis is not installed: apt-get install redis-server (or valkey-server)")
    return path
