"""What the section ``[store]`` holds for every store; a store has a model of its own beside it, for its own settings."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import model_validator

from smsotp_plugin.codes.key_file import SHORTEST_KEY
from smsotp_plugin.fields.secret import SecretSetting, SettingsModel


class StoreSettings(SettingsModel):
    """
    Where pending log-ins are kept.

    Attributes:
        url: Where the store is; its scheme says which one.
        key: What codes are derived from, at least 32 random characters. Not set: `key_file` holds it. With another
            one, pending codes are not accepted.
        key_file: Absolute path of the file with that key; made with a random one at the first start.
    """

    url: str
    key: SecretSetting | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            raise ValueError("key and key_file exclude each other: remove one of them")
        if self.key is not None and len(self.key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(
                f"key must have at least {SHORTEST_KEY} characters; make one with: openssl rand -hex 32"
            )
        if not self.key_path.is_absolute():
            raise ValueError("key_file must be an absolute path")
        if self.key_path in self.files:
            raise ValueError("key_file must not be a file of the store itself")
        return self

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the store is, as people are told: without a password."""

    @property
    @abstractmethod
    def key_path(self) -> Path:
        """The file with the key where `key` is not set."""

    @property
    def files(self) -> Sequence[Path]:
        """The files of this machine that the store keeps, whether they are there or not; none where it is elsewhere."""
        return ()

    @property
    def directories(self) -> Sequence[Path]:
        """The directories in which the store's files and the key's are made; the store's first."""
        files = self.files if self.key is not None else (*self.files, self.key_path)
        return tuple(dict.fromkeys(file.parent for file in files))
