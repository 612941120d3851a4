"""The section ``[store]`` of a store in a file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from smsotp_plugin.fields.text import has_control
from smsotp_plugin.stores.settings import StoreSettings
from smsotp_plugin.stores.sqlite.attempts import NOTES_ENDING
from smsotp_plugin.stores.sqlite.neighbours import VISITS_ENDING

_BEGINNING = "sqlite:///"
#: Endings of the database, of the files that SQLite makes next to it while it is open or leaves after a crash, and of ours.
_ENDINGS = ("", "-wal", "-shm", "-journal", VISITS_ENDING)


def _check_url(url: str) -> str:
    if not url.startswith(_BEGINNING):
        raise ValueError('must be "sqlite:///" and the absolute path of a file')
    name = url.rpartition("/")[2]
    if not name or name in {".", "..", ":memory:"} or has_control(url) or "?" in url:
        raise ValueError('must name a file, for example "sqlite:///var/lib/smsotp/smsotp.db"')
    return url


class SqliteSettings(StoreSettings):
    """
    Pending log-ins are kept in a file on this machine.

    Attributes:
        url: `sqlite:///` and the absolute path of a file. Its directory must exist and belong to the user that
            FreeRADIUS runs as. Several servers on one machine may use the same file.
        key_file: Absolute path of the file with that key; made with a random key at the first start. It may hold two
            keys, one on each line, like `keys`. Not set: the database's path with the ending `.key`.
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
    def directory(self) -> Path:
        return self.database.parent

    def is_own_file(self, path: Path) -> bool:
        ending = path.name.removeprefix(self.database.name)
        is_beside = path.parent == self.directory and path.name.startswith(self.database.name)
        return is_beside and (ending in _ENDINGS or ending.startswith(NOTES_ENDING))
