"""The section ``[store]`` of a store in Redis, and what else says the way to one."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from smsotp_plugin.fields.host import is_loopback
from smsotp_plugin.fields.model import SettingsModel
from smsotp_plugin.fields.secret import SecretSetting
from smsotp_plugin.fields.tls import check_certificates
from smsotp_plugin.stores.redis.address import RedisAddress, is_username, read_address
from smsotp_plugin.stores.settings import StoreSettings

_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_USERNAME = 255


def check_url(url: str) -> str:
    """
    Return an address that can be used.

    Raises:
        ValueError: It cannot.
    """
    for package in ("redis", "hiredis"):
        if find_spec(package) is None:
            raise ValueError(
                f"needs the package {package}, which is not installed: pip install 'smsotp-plugin[redis]'"
            )
    read_address(url)
    return url


def _check_username(name: str) -> str:
    if not is_username(name) or len(name) > _LONGEST_USERNAME:
        raise ValueError(
            f"must be the name of a user of Redis: 1 to {_LONGEST_USERNAME} characters, no blanks, no control characters"
        )
    return name


def _check_prefix(prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("must hold 1 to 64 letters of ASCII, digits, dots, hyphens and underscores")
    return prefix


class RedisAccount(SettingsModel):
    """
    The account that is used in a Redis, and whose certificate it must have.

    Attributes:
        username: User of Redis (ACL), if it is not in `url`.
        password: Password of Redis, if it is not in `url`.
        sentinel_username: User of the Sentinels, if they ask for one.
        sentinel_password: Password of the Sentinels, if they ask for one.
        ca_file: In TLS: trust these certificate authorities (PEM) only, not those of the system. A certificate must hold
            the name under which its server is addressed.
    """

    username: Annotated[str, AfterValidator(_check_username)] | None = None
    password: SecretSetting | None = None
    sentinel_username: Annotated[str, AfterValidator(_check_username)] | None = None
    sentinel_password: SecretSetting | None = None
    ca_file: Annotated[Path, AfterValidator(check_certificates)] | None = None

    def check_against(self, address: RedisAddress) -> None:
        """
        Judge it beside an address.

        Raises:
            ValueError: They contradict each other.
        """
        if (address.username and self.username) or (address.password and self.password):
            raise ValueError("url holds a user or a password, and so do other settings: keep one of them")
        if self.ca_file is not None and not address.tls:
            raise ValueError("ca_file has no effect without TLS: write rediss:// instead of redis://")


class RedisSettings(RedisAccount, StoreSettings):
    """
    Pending log-ins are kept in a Redis (or Valkey) that any number of servers use. See [Redis](redis.md).

    Attributes:
        url: `redis://host:6379/0`; in TLS `rediss://...`; on this machine `unix:///path/of/the.sock`; by Sentinels
            `redis+sentinel://host1,host2,host3/name`; a Cluster `redis+cluster://host1,host2,host3`; the last two in
            TLS `rediss+sentinel://...` and `rediss+cluster://...`. It may hold a user and a password:
            `redis://user:password@host`.
        key_file: Absolute path of the file with that key, the same on every server; it is not made automatically. It
            may hold two keys, one on each line, like `keys`. Not set: `/var/lib/smsotp/smsotp.key`.
        prefix: Begins the names of all keys. Installations that share a Redis each need a different one.
    """

    url: Annotated[str, AfterValidator(check_url)]
    prefix: Annotated[str, AfterValidator(_check_prefix)] = "smsotp"

    @model_validator(mode="after")
    def _say_each_thing_once(self) -> Self:
        self.check_against(self.address)
        return self

    @property
    def address(self) -> RedisAddress:
        """What `url` says."""
        return read_address(self.url)

    @property
    def place(self) -> str:
        return describe_address(self.address)

    @property
    def key_path(self) -> Path:
        return self.key_file or Path("/var/lib/smsotp/smsotp.key")

    @property
    def makes_key(self) -> bool:
        return False

    @property
    def has_queue(self) -> bool:
        return True

    def warnings(self) -> Sequence[str]:
        return find_clear_text(self.address)


def describe_address(address: RedisAddress) -> str:
    """Say where a Redis is and how it is found, without a password."""
    where = ", ".join(map(str, address.places))
    return f"{address.way.value}{' in TLS' if address.tls else ''} at {where}" + (
        f", {address.service}" if address.service else ""
    )


def find_clear_text(address: RedisAddress) -> Sequence[str]:
    """Return the warning, as in `StoreSettings.warnings`, where others may read along."""
    remote = [place for place in address.places if place.host and not is_loopback(place.host)]
    if address.tls or not remote:
        return ()
    return ("url: redis:// sends names and a password over the network in clear; in TLS it is rediss://.",)
