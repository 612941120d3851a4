"""All readers of foreign bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.reader import Reader, quiet
from tests.fuzz.redis_readers import redis_readers
from tests.fuzz.server_readers import server_readers
from tests.fuzz.settings_readers import settings_readers
from tests.fuzz.wire_readers import wire_readers

NAMES = ("attributes", "state", "toml", "settings", "command_line", "redis", "http", "xmlrpc", "smtp", "smpp")
#: Files are written for some cases: in memory, where that is possible.
_IN_MEMORY = Path("/dev/shm")
CORPUS = Path(__file__).parent / "corpus"


@contextmanager
def all_readers() -> Iterator[dict[str, Reader]]:
    """Give all readers by name; what they log is dropped meanwhile."""
    with (
        TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as folder,
        quiet(),
        server_readers(Path(folder)) as server,
        redis_readers() as redis,
    ):
        readers = (*server, *redis, *settings_readers(Path(folder)), *wire_readers())
        yield {reader.name: reader for reader in readers}
