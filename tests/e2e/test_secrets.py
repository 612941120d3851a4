"""Secrets that stand elsewhere than in the file, and the store's key, as a running server finds them."""

from pathlib import Path
from typing import Any

import pytest

from smsotp_mocks.gateways.accounts import Accounts
from smsotp_mocks.servers.errors import HarnessError

from .system import World, people

KEY = "a-key-that-is-good-for-these-tests-only"
PASSWORD = "secret-word-of-the-account"
ACCOUNTS = Accounts(plain_username="account", plain_password=PASSWORD)


def secret_world(path: Path, store_lines: str, password: str, **options: Any) -> World:
    """
    Return a system whose gateway demands a password.

    Args:
        path: Its directory.
        store_lines: Further lines of ``[store]``.
        password: As the configuration has it.
        options: Of `World`.
    """
    account = f'USERNAME = "account"\nPASSWORD = {password}\n'
    return World(path, sections=store_lines, gateway=account, users=people(3), accounts=ACCOUNTS, **options)


def in_file(path: Path, secret: str) -> str:
    """Write a secret as an editor does, and return how the configuration names it."""
    path.write_text(f"{secret}\n")
    path.chmod(0o600)
    return f'{{ file = "{path}" }}'


def test_secrets_come_from_files_and_from_the_servers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is run by hand needs the variables too, with any value; the server's own count.
    monkeypatch.setenv("SMS_PASSWORD", "any value")
    monkeypatch.setenv("SMS_KEY", "any value that is as long as a key has to be")
    own = {"SMS_PASSWORD": PASSWORD, "SMS_KEY": KEY}
    by_file = f"key = {in_file(tmp_path / 'key', KEY)}\n"
    by_variable = 'key = { env = "SMS_KEY" }\n'

    with secret_world(tmp_path / "one", by_file, '{ env = "SMS_PASSWORD" }', environment=own) as one:
        anna = one.someone()
        challenge = one.log_in(anna)
        code = one.code_of(anna)
        assert one.log_in_wholly(one.someone()).code == "accept"
        # The same store with the same key from elsewhere: a code of one server is good at the other.
        password = in_file(tmp_path / "password", PASSWORD)
        with secret_world(tmp_path / "two", by_variable, password, store=one.store, environment=own) as two:
            assert two.answer(anna, code, challenge.state).code == "accept"
            assert two.log_in_wholly(two.users[2]).code == "accept"
        assert {path.name for path in one.store.glob("*.key")} == set()


def test_the_key_file_is_made_where_the_settings_say(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    place.mkdir()
    with World(tmp_path / "world", sections=f'key_file = "{place}/own"\n', users=people(1)) as world:
        assert world.log_in_wholly(world.someone()).code == "accept"
        assert len((place / "own").read_text().strip()) == 64
        assert (place / "own").stat().st_mode & 0o777 == 0o600
        assert list(world.store.glob("*.key")) == []


def test_a_variable_that_the_server_does_not_have_is_named_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_PASSWORD", PASSWORD)
    world = secret_world(tmp_path, "", '{ env = "SMS_PASSWORD" }')
    world.server.prepare()
    monkeypatch.delenv("SMS_PASSWORD")

    with world.gateway, pytest.raises(HarnessError, match=r"gateways\.mock\.PASSWORD.*SMS_PASSWORD"):
        world.start()
