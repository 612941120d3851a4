"""What the section ``[store]`` holds for every store; each store has its own model besides, for its own settings."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from smsotp_plugin.codes.key_file import MOST_KEYS, SHORTEST_KEY
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.text import has_control


class StoreSettings(SettingsModel):
    """
    Where pending log-ins are kept.

    Attributes:
        url: Where the store is; its scheme says which one.
        key: What codes are derived from, at least 32 random characters. Not set: `key_file` holds it. With another key,
            pending codes are not accepted; to change it, use `keys`.
        keys: Instead of `key`, during a change: the new key and, after it, the old one. See
            [Another key](store.md#another-key).
        key_file: Absolute path of the file with that key; made with a random key at the first start. It may hold two
            keys, one on each line, like `keys`.
    """

    url: str
    key: SecretSetting | None = None
    keys: Annotated[tuple[SecretSetting, ...], Field(min_length=1, max_length=MOST_KEYS)] = ()
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        given = [name for name in ("key", "keys", "key_file") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: remove one of them")
        if any(len(key) < SHORTEST_KEY for key in self.given_keys):
            raise ValueError(
                f"key must have at least {SHORTEST_KEY} characters; make one with: openssl rand -hex 32"
            )
        if len(set(self.given_keys)) < len(self.given_keys):
            raise ValueError("keys holds the same key twice: remove one of them")
        if not self.key_path.is_absolute() or has_control(str(self.key_path)):
            raise ValueError("key_file must be an absolute path")
        if self.is_own_file(self.key_path):
            raise ValueError("key_file must not be a file of the store itself")
        return self

    @property
    def given_keys(self) -> tuple[str, ...]:
        """The keys that are in the configuration, the present one first; none if `key_path` holds them."""
        return tuple(key.get_secret_value() for key in (self.key, *self.keys) if key is not None)

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the store is, in a form to show to people: without a password."""

    @property
    @abstractmethod
    def key_path(self) -> Path:
        """The file with the keys if `given_keys` has none."""

    @property
    def makes_key(self) -> bool:
        """Whether the key file is made if there is none: not if other servers need the same key."""
        return True

    @property
    def has_queue(self) -> bool:
        """Whether messages can wait in it for workers."""
        return False

    def warnings(self) -> Sequence[str]:
        """Return what is allowed but probably not meant, as sentences that begin with the key."""
        return ()

    @property
    def directory(self) -> Path | None:
        """The directory of this machine in which the store makes its files; None if it makes none."""
        return None

    @property
    def directories(self) -> Sequence[Path]:
        """The directories in which the store's files and the key's are made; the store's first."""
        of_key = None if self.given_keys else self.key_path.parent
        return tuple(dict.fromkeys(each for each in (self.directory, of_key) if each is not None))

    def is_own_file(self, path: Path) -> bool:
        """Tell whether a path is that of a file of the store, whether it is there or not."""
        del path
        return False

    def find_files(self) -> Sequence[Path]:
        """Return the store's files that are there, as far as the present user can see them."""
        if self.directory is None:
            return ()
        try:
            return sorted(filter(self.is_own_file, self.directory.iterdir()))
        except OSError:
            return ()
