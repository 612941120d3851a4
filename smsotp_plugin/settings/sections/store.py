"""The section ``[store]``."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from smsotp_plugin.fields.secret import SecretSetting, SettingsModel
from smsotp_plugin.fields.text import has_control

_SQLITE = "sqlite:///"


def _check_store_url(url: str) -> str:
    if not url.startswith(_SQLITE):
        raise ValueError('must be "sqlite:///" and the absolute path of a file; there is no other store')
    name = url.rpartition("/")[2]
    if not name or name in {".", "..", ":memory:"} or has_control(url) or "?" in url:
        raise ValueError('must name a file, for example "sqlite:///var/lib/smsotp/smsotp.db"')
    return url


class StoreSettings(SettingsModel):
    """
    Where pending log-ins are kept.

    Attributes:
        url: `sqlite:///` and the absolute path of a file. Its directory must exist and belong to the user that
            FreeRADIUS runs as. Several servers of one machine may use the same file.
        key: What codes are derived from, at least 32 random characters. Not set: `key_file` holds it. With another
            one, pending codes are not accepted.
        key_file: Absolute path of the file with that key; made with a random one at the first start. Not set: the
            database's path with the ending `.key`.
    """

    url: Annotated[str, AfterValidator(_check_store_url)] = "sqlite:///var/lib/smsotp/smsotp.db"
    key: SecretSetting | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            raise ValueError("key and key_file exclude each other: remove one of them")
        if self.key is not None and len(self.key.get_secret_value()) < 32:
            raise ValueError("key must have at least 32 characters; make one with: openssl rand -hex 32")
        if not self.key_path.is_absolute():
            raise ValueError("key_file must be an absolute path")
        if self.key_path == self.database:
            raise ValueError("key_file must not be the database")
        return self

    @property
    def database(self) -> Path:
        """The SQLite file, as an absolute path."""
        return Path("/" + self.url.removeprefix(_SQLITE).lstrip("/"))

    @property
    def key_path(self) -> Path:
        """The file with the key where `key` is not set."""
        return self.key_file or self.database.with_suffix(".key")
