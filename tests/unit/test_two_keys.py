"""While the key is changed: what was made with the old one is still read, and everything new is made with the new one."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsotp_plugin.assembly import build_codes
from smsotp_plugin.codes.fingerprints import Fingerprints, reference_of
from smsotp_plugin.codes.onetime import CodeMaker
from smsotp_plugin.errors import StoreError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.sms.phone import parse_number
from smsotp_plugin.stores.sealed import SealedStore
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RIGHT, WINDOW, challenge
from tests.support.clock import FakeClock
from tests.support.parcels import begin

NUMBER = parse_number("+491701234567", None)


def maker(key: str, older: CodeMaker | None = None) -> CodeMaker:
    return CodeMaker(key.encode() * 32, 6, "0123456789", secrets.token_bytes, older)


OLD = maker("o")
BOTH = maker("n", OLD)
NEW = maker("n")


def test_a_state_leads_to_the_maker_that_has_its_key() -> None:
    old, new = OLD.names.make_state("default"), BOTH.names.make_state("default")

    assert BOTH.maker_of(old, "default") is OLD
    assert BOTH.maker_of(new, "default") is BOTH
    assert BOTH.maker_of(old, "other") is None
    assert NEW.maker_of(old, "default") is None


def test_servers_of_one_store_know_each_others_challenges_after_each_step_of_a_change() -> None:
    both_ways_round = maker("o", NEW)

    # The old one removed last: what it made is over then.
    for one, other in ((OLD, both_ways_round), (both_ways_round, BOTH), (BOTH, NEW)):
        for made, read in ((one, other), (other, one)):
            assert read.maker_of(made.names.make_state("default"), "default") is not None
            assert read.names.is_mark(made.names.mark("a"), "a")


def test_a_code_of_the_old_key_is_derived_and_sealed_by_its_maker() -> None:
    state, seed = OLD.names.make_state("default"), OLD.make_seed()
    found = BOTH.maker_of(state, "default")

    assert found is not None
    assert found.seal(state, found.code(seed)) == OLD.seal(state, OLD.code(seed))


def test_everything_new_is_made_with_the_new_key() -> None:
    assert NEW.names.is_for(BOTH.names.make_state("default"), "default")
    assert BOTH.code("seed") == NEW.code("seed")
    assert BOTH.seal("state", "123456") == NEW.seal("state", "123456")
    assert BOTH.names.mark("a") == NEW.names.mark("a")
    assert BOTH.names.fingerprint("a") == NEW.names.fingerprint("a")


@pytest.mark.parametrize(
    ("what", "of"),
    [("fingerprints", "fingerprint"), ("number_hashes", "number_hash"), ("mask_user_each", "mask_user")],
)
def test_what_stands_for_something_is_looked_for_under_both_keys_and_under_the_new_one_first(
    what: str, of: str
) -> None:
    thing: Any = NUMBER if of == "number_hash" else "01701234567"

    def all_of(names: Fingerprints) -> tuple[str, ...]:
        return tuple(getattr(names, what)(thing))

    assert all_of(BOTH.names) == (getattr(NEW.names, of)(thing), getattr(OLD.names, of)(thing))
    assert all_of(NEW.names) == (getattr(NEW.names, of)(thing),)


def test_a_name_that_hides_nothing_is_looked_for_once() -> None:
    assert BOTH.names.mask_user_each("bob") == ("bob",)


def test_a_reference_stays_the_same_when_the_key_is_changed() -> None:
    state = OLD.names.make_state("default")

    assert len(reference_of(state)) == 8
    assert reference_of(state) not in state


@pytest.mark.parametrize("in_file", [True, False])
def test_both_keys_of_the_configuration_are_known_and_the_first_one_makes(
    tmp_path: Path, *, in_file: bool
) -> None:
    keys = ("n" * 32, "o" * 32)
    line = f"keys = {list(keys)}"
    if in_file:
        (tmp_path / "own.key").write_text("\n".join(keys))
        line = f'key_file = "{tmp_path}/own.key"'
    file = tmp_path / "smsotp.toml"
    file.write_text(f'[store]\n{line}\n[gateways.any]\nprovider = "script"\nSCRIPT = "/bin/true"\n')

    codes = build_codes(load_settings(file))

    assert NEW.names.is_for(codes.names.make_state("default"), "default")
    assert codes.maker_of(OLD.names.make_state("default"), "default") is not None
    assert codes.maker_of(maker("x").names.make_state("default"), "default") is None


@pytest.fixture
def old_store(path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore(path, WINDOW, 86400, clock)
    yield store
    store.close()


def test_a_challenge_with_the_mark_of_the_old_key_is_answered_until_that_is_removed(
    old_store: SqliteStore, clock: FakeClock
) -> None:
    before = SealedStore(old_store, OLD.names)
    first, second = (begin(before, challenge(clock, user=user, login=user)) for user in ("a", "b"))

    assert SealedStore(old_store, BOTH.names).answer(first.state, "a", RIGHT, clock.time()).user == "a"
    with pytest.raises(StoreError, match="does not bear our mark"):
        SealedStore(old_store, NEW.names).answer(second.state, "b", RIGHT, clock.time())


def test_a_mark_of_neither_key_is_none() -> None:
    assert not BOTH.names.is_mark(maker("x").names.mark("a"), "a")
    assert not BOTH.names.is_mark(OLD.names.mark("a"), "b")
    assert not BOTH.names.is_mark("", "a")
    assert not BOTH.names.is_mark("\u00e9" * 32, "a")
