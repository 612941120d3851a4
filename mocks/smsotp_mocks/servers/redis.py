"""A Redis (or Valkey) of its own for a test, on a free port of 127.0.0.1; keeps nothing on disk unless told to. And Sentinels."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from smsotp_mocks.net.ports import find_free_tcp_port
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.program import Program

#: An environment variable: which program is started, by its name or its path. Not set: the first of `PROGRAMS` that is installed.
PROGRAM = "SMSOTP_REDIS_SERVER"
PROGRAMS = ("redis-server", "valkey-server")


class RedisServer(Program):
    """
    Comes back on the same port.

    Args:
        directory: For its log and, with `durable`, its data.
        durable: Every write reaches the disk before it is answered, and is there after a new start.
        options: Further ones, as on its command line: ``["--maxmemory", "1mb"]``.
        run_by: See `Program`.
    """

    name = "Redis"
    ready = "Ready to accept connections"

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = False,
        options: Sequence[str] = (),
        run_by: Sequence[str] = (),
    ) -> None:
        super().__init__(directory, "redis.log", run_by)
        self.port = find_free_tcp_port()
        self.durable = durable
        self.options = options

    @property
    def url(self) -> str:
        """For ``[store] url``."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Return what is run: `arguments` and then `options`, which count where both say something."""
        return [_find_program(), *self.arguments(), *self.options]

    def arguments(self) -> list[str]:
        """Return what it is started with, beside `options`."""
        return [
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "always"),
            # A replica gets everything at once, and not when further ones may have come, five seconds later.
            *("--repl-diskless-sync-delay", "0"),
        ]


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
    wanted = os.environ.get(PROGRAM)
    path = next(filter(None, map(shutil.which, [wanted] if wanted else PROGRAMS)), None)
    if path is None:
        raise HarnessError(
            f"there is no program {wanted}, which {PROGRAM} names"
            if wanted
            else "Redis is not installed: apt-get install redis-server (or valkey-server)"
        )
    return path
