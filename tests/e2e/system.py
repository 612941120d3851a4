"""A whole log-in for the tests: a mock gateway, a FreeRADIUS with the plugin, and people who log in."""

import base64
import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from urllib.parse import quote

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.gateways.http.gateway import HttpGateway
from smsotp_mocks.servers.errors import HarnessError
from smsotp_mocks.servers.freeradius import FreeRadiusServer
from smsotp_mocks.servers.raddb import RadiusUser
from smsotp_mocks.servers.radius_client import Answer
from smsotp_plugin.assembly import build_codes
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.stores.base import Challenge

from .raddbs import change_raddb

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: Among hundreds of log-ins the eight random digits that name one hold the code of another one by chance.
_REFERENCE = re.compile(r"\b(?:message|challenge) [0-9a-f]{8}\b")

UNAVAILABLE = "No code can be sent at present. Try again later."


def people(count: int) -> list[RadiusUser]:
    """Return different people with different numbers."""
    return [
        RadiusUser(f"person{index}", f"secret-word-{index}", f"+49170{1000000 + index}")
        for index in range(count)
    ]


def write_http_gateway(url: str) -> str:
    """Return the tables of the gateway ``mock``, which waits long for its answers."""
    return f"""
[gateways.mock]
provider = "http"
URL = "{url}/sms"
HTTP_METHOD = "POST"
RETURN_SUCCESS = "OK"
TIMEOUT = 100
[gateways.mock.options]
to = "{{phone}}"
text = "{{otp}}"
"""


def install(server: FreeRadiusServer) -> None:
    """
    Install the plugin where the installation is not the subject.

    Raises:
        HarnessError: The configuration has problems.
    """
    host, port = server.address
    try:
        change_raddb(server.raddb, server.config_file, f"{host}:{port}")
    except ConfigError as exc:
        raise HarnessError("\n".join(exc.problems)) from exc


class World:
    """
    Everything that one log-in needs, in a directory of its own.

    Args:
        directory: Made when it is missing.
        sections: Further tables of the plugin's configuration.
        gateway: Further lines of its only gateway, such as ``TIMEOUT = 1``.
        users: Who can log in; several are needed where a test must not see another's challenge.
        store: Directory of the database; made when it is missing.
        accounts: What the gateway demands; None takes the mock's own.
        options: Of `FreeRadiusServer`; with `smsotp` that command installs, else `install`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        sections: str = "",
        gateway: str = "",
        users: list[RadiusUser] | None = None,
        store: Path | None = None,
        accounts: Accounts | None = None,
        **options: Any,
    ) -> None:
        self.users = users if users is not None else people(300)
        self.store = store or directory / "store"
        self.store.mkdir(parents=True, exist_ok=True)
        self.database = self.store / "smsotp.db"
        self.gateway = HttpGateway(accounts=accounts or Accounts())
        self.gateway.start()
        self._unused = iter(self.users)
        self._clean = True
        config = f"""
[store]
url = "sqlite://{self.database}"
{sections}
[gateways.mock]
provider = "http"
URL = "{self.gateway.url}/sms"
HTTP_METHOD = "POST"
RETURN_SUCCESS = "OK"
{gateway}
[gateways.mock.options]
to = "{{phone}}"
text = "{{otp}}"
"""
        if "smsotp" not in options:
            options.setdefault("configure", install)
        self.server = FreeRadiusServer(directory / "radius", users=self.users, config_toml=config, **options)

    def someone(self) -> RadiusUser:
        """Return a user who has not logged in yet."""
        return next(self._unused)

    def log_in(self, user: RadiusUser, **attributes: Any) -> Answer:
        """Send a first leg with the right password."""
        return self.server.log_in(user.name, user.password, **attributes)

    def answer(self, user: RadiusUser, code: str, state: bytes, **attributes: Any) -> Answer:
        """Send an answer leg."""
        return self.server.answer(user.name, code, state, **attributes)

    def code_of(self, user: RadiusUser, *, after: int = 0) -> str:
        """Wait for the SMS to this user and return its code."""
        return self.gateway.inbox.wait(number=user.phone, after=after).code

    def codes_of(self, user: RadiusUser) -> list[str]:
        """Return the codes of all SMS to this user so far."""
        return [message.code for message in self.gateway.inbox.messages(number=user.phone)]

    def expect_no_sms(self, user: RadiusUser) -> None:
        """Fail when this user was sent anything; an SMS that is under way is overtaken by none of somebody else."""
        self.log_in_wholly(self.someone())
        assert self.codes_of(user) == []

    def log_in_wholly(self, user: RadiusUser) -> Answer:
        """Do both legs and return the answer to the second one."""
        challenge = self.log_in(user)
        assert challenge.code == "challenge", challenge
        return self.answer(user, self.code_of(user), challenge.state)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Change or ask the plugin's database."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def age(self, seconds: float) -> None:
        """
        Make every challenge older, as time would, while the server is stopped.

        The end belongs to what the store's key seals, so each is sealed again.
        """
        settings = load_settings(self.server.config_file)
        names = build_codes(settings).names
        kept = [field.name for field in fields(Challenge) if field.name != "mark"]
        for row in self.sql(f"SELECT {', '.join(kept)} FROM challenges"):
            challenge = Challenge(**dict(zip(kept, row, strict=True)))
            old = replace(challenge, created=challenge.created - seconds, expires=challenge.expires - seconds)
            self.sql(
                "UPDATE challenges SET created = ?, expires = ?, mark = ? WHERE state = ?",
                *(old.created, old.expires, names.mark(*old.sealed()), old.state),
            )

    def logged(self, mark: int) -> str:
        """Return what FreeRADIUS has logged since `server.log_mark()` was this."""
        return "\n".join(self.server.log_text().splitlines()[mark:])

    def start(self) -> Self:
        self.server.start()
        return self

    def close(self, expected: int | None = 0) -> None:
        """Stop both; no secret may have reached FreeRADIUS's log."""
        try:
            self.server.stop(expected=expected)
        finally:
            self.gateway.stop()
        if not self.server.debug:
            assert secrets_in(self.server.log_text(), self._secrets()) == []

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.gateway.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            # A test that has failed already should be told about that, not about the server's exit status.
            self.server.stop(expected=None)
            self.gateway.stop()

    def _secrets(self) -> list[str]:
        personal = [secret for user in self.users for secret in (user.password, user.phone)]
        codes = [message.code for message in self.gateway.inbox.messages()]
        return [secret for secret in (*personal, *codes) if secret]


def secrets_in(text: str, secrets: list[str]) -> list[str]:
    """Return the forms of secrets that a text holds: in clear, base64, hexadecimal, URL-encoded."""
    searched = _REFERENCE.sub("", text)
    return [form for secret in secrets for form in _forms(secret) if form in searched]


def in_parallel(
    count: int, call: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> list[Result]:
    """Call something many times at once and return what came out."""
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(call, *args, **kwargs) for _ in range(count)]
        return [future.result() for future in futures]


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield secret
    yield base64.b64encode(raw).decode().rstrip("=")
    yield raw.hex()
    if quote(secret, safe="") != secret:
        yield quote(secret, safe="")
