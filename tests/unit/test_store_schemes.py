"""A store is known by its scheme, and by nothing else outside its folder."""

import re
from pathlib import Path

import pytest

import smsotp_plugin
from smsotp_plugin.errors import ConfigError, StoreError
from smsotp_plugin.stores.delivery_log import DeliveryEvent, EventKind, Wanted
from smsotp_plugin.stores.schemes import SCHEMES, find_store, look_at_store, open_store, read_trace
from smsotp_plugin.stores.sqlite.settings import SqliteSettings
from tests.support.challenges import challenge
from tests.support.clock import FakeClock, Waits
from tests.support.parcels import begin, begin_attempt

PACKAGE = Path(str(smsotp_plugin.__file__)).parent
#: Names of stores, and of what only one of them has.
OF_ONE_STORE = re.compile(r"sqlite|redis|valkey|\.database\b|\btrace_file\b", re.IGNORECASE)
FOLDERS = {type(kind).__module__.split(".")[2] for kind in SCHEMES.values()}


def test_the_first_store_is_meant_where_none_is_named() -> None:
    assert find_store(None) is SCHEMES["sqlite"]


@pytest.mark.parametrize(
    "url", ["", "sqlite", "sqlite:/a", "mysql://a", "SQLITE:///a", 1, [], {"file": "/a"}, b"sqlite:///a"]
)
def test_what_has_no_known_scheme_is_refused_with_those_that_there_are(url: object) -> None:
    with pytest.raises(ConfigError) as refused:
        find_store(url)

    (problem,) = refused.value.problems
    assert all(f'"{scheme}://"' in problem for scheme in SCHEMES)


def test_what_is_opened_by_its_settings_is_looked_at_and_read_by_them(tmp_path: Path) -> None:
    settings, clock = (
        SqliteSettings(url=f"sqlite://{tmp_path}/a.db"),
        FakeClock(1_000_000.0, Waits.NOT_AT_ALL),
    )
    event = DeliveryEvent("ref", clock.time(), EventKind.ASKED, user="bob")
    look_at_store(settings)
    with pytest.raises(StoreError, match="there is no database"):
        read_trace(settings, Wanted(user="bob"), 1)
    store = open_store(settings, window=30.0, events_kept=86400.0, clock=clock)
    store.record(event)
    store.close()

    assert read_trace(settings, Wanted(user="bob"), 1) == [event]


def test_a_store_in_a_file_knows_its_files_and_no_others(tmp_path: Path) -> None:
    settings, clock = (
        SqliteSettings(url=f"sqlite://{tmp_path}/a.db"),
        FakeClock(1_000_000.0, Waits.NOT_AT_ALL),
    )
    before = settings.find_files()
    store = open_store(settings, window=30.0, events_kept=86400.0, clock=clock)
    new = begin(store, challenge(clock))
    store.flush()
    begin_attempt(store, new.state, "gateway")
    made = sorted(tmp_path.iterdir())
    for name in ("a.db-backup", "a.db.old", "a.key", "b.db"):
        (tmp_path / name).touch()
    found = settings.find_files()
    store.close()

    assert (before, found) == ([], made)
    assert len(made) == 5
    assert settings.directories == (tmp_path,)


def test_of_a_store_whose_directory_is_not_there_nothing_is_found(tmp_path: Path) -> None:
    assert SqliteSettings(url=f"sqlite://{tmp_path}/none/a.db").find_files() == ()


#: The last two tell people which store workers need.
MAY_NAME_ONE = {Path("stores/schemes.py"), Path("settings/reading.py"), Path("settings/sections/queue.py")}


def test_nothing_outside_its_folder_and_the_schemes_names_a_store() -> None:
    others = [
        path
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE) not in MAY_NAME_ONE
        and not FOLDERS & {*path.relative_to(PACKAGE).parts[1:2]}
    ]

    assert {path: found for path in others if (found := set(OF_ONE_STORE.findall(path.read_text())))} == {}
    assert len(others) > 100
