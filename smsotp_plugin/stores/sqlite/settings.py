"""The section ``[store]`` of a store in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from smsotp_plugin.fields.text import has_control
from smsotp_plugin.stores.settings import StoreSettings

_BEGINNING = "sqlite:///"
#: Of what stands beside the database while it is open, or after a crash.
_ENDINGS = ("", "-wal", "-shm", "-journal")


def _check_url(url: str) -> str:
    if not url.startswith(_BEGINNING):
        raise ValueError('must be "sqlite:///" and the absolute path of a file')
    name = url.rpartition("/")[2]
    if not name or name in {".", "..", ":memory:"} or has_control(url) or "?" in url:
        raise ValueError('must name a file, for example "sqlite:///var/lib/smsotp/smsotp.db"')
    return url


class SqliteSettings(StoreSettings):
    """
    Pending log-ins are kept in a file of this machine.

    Attributes:
        url: `sqlite:///` and the absolute path of a file. Its directory must exist and belong to the user that
            FreeRADIUS runs as. Several servers of one machine may use the same file.
        key_file: Absolute path of the file with that key; made with a random one at the first start. It may hold two, one
            a line, like `keys`. Not set: the database's path with the ending `.key`.
    """

    url: Annotated[str, AfterValidator(_check_url)] = "sqlite:///var/lib/smsotp/smsotp.db"

    @property
    def database(self) -> Path:
        """The file, as an absolute path."""
        return Path("/" + self.url.removeprefix(_BEGINNING).lstrip("/"))

    @property
    def place(self) -> str:
        return str(self.database)

    @property
    def key_path(self) -> Path:
        return self.key_file or self.database.with_suffix(".key")

    @property
    def files(self) -> Sequence[Path]:
        return tuple(self.database.with_name(self.database.name + ending) for ending in _ENDINGS)
