"""The walk through the files in docs/architecture.md, walked: one first leg, and which files each thread comes to."""

import re
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

import smsotp_plugin
from smsotp_mocks import HttpGateway
from smsotp_plugin import assembly
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.radius.attributes import AttributePlace
from smsotp_plugin.radius.legs import Legs
from smsotp_plugin.settings import load_settings

PACKAGE = Path(str(smsotp_plugin.__file__)).parent
PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
SECTION = PAGE.partition("## A walk: one first leg, file by file\n")[2].partition("\n## ")[0]
#: The files of each table.
CALL, STORE, GATEWAY = (
    re.findall(r"^\| `([\w/]+\.py)` \|", table, re.MULTILINE)
    for table in SECTION.split("| --- | --- |\n")[1:]
)
CONFIG = """
[store]
url = "sqlite://{directory}/smsotp.db"
[challenge]
resend_after = 0
[gateways.example]
provider = "http"
URL = "{url}/sms"
RETURN_SUCCESS = "OK"
[gateways.example.options]
to = "{{phone}}"
text = "{{otp}}"
"""
#: The number as no other test writes it: those that were read before are remembered.
BOB = {
    "request": (("User-Name", "bob"), ("User-Password", "hello")),
    "config": (("SMSOTP-Phone", "+49 (1701) 23-45-67"),),
}
EVE = {
    "request": (("User-Name", "eve"), ("User-Password", "hello")),
    "config": (("SMSOTP-Phone", "+491719876543"),),
}


class Footprints:
    """The files of the plugin that each thread comes to, in the order of its first steps in them."""

    def __init__(self) -> None:
        self.of_thread: dict[str, dict[str, None]] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            steps = self.of_thread.setdefault(threading.current_thread().name, {})
            steps.setdefault(path.relative_to(PACKAGE).as_posix())


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The files that the call, the store's thread and the gateway's threads came to."""
    directory = tmp_path_factory.mktemp("walk")
    footprints = Footprints()
    with HttpGateway() as gateway:
        config = directory / "smsotp.toml"
        config.write_text(CONFIG.format(directory=directory, url=gateway.url))
        settings = load_settings(config)
        threading.setprofile(footprints)
        try:
            system = assembly.build(settings, SystemClock())
            # Not the store, whose first round in keeping house may commit in the place of its own thread.
            system.outbox.start()
        finally:
            threading.setprofile(None)
        places = [AttributePlace.parse(place) for place in settings.users.number]
        legs = Legs(system.login, system.notifier, places)
        # The first one of all asks the file who else is there.
        legs.first_leg(EVE)
        gateway.inbox.wait()
        sys.setprofile(footprints)
        try:
            legs.first_leg(BOB)
        finally:
            sys.setprofile(None)
        gateway.inbox.wait(number="+491701234567")
        system.stop()
    steps = footprints.of_thread
    lanes = [
        name for name in steps if name.startswith("smsotp-example-") and "wire/channel.py" in steps[name]
    ]
    return [list(steps[name]) for name in (threading.current_thread().name, "smsotp-store", *lanes)]


@pytest.mark.parametrize(
    ("thread", "files"),
    [(0, CALL[1:]), (1, STORE), (2, GATEWAY)],
    ids=["the call", "the store", "the gateway"],
)
def test_a_thread_comes_to_the_files_in_the_order_of_the_page(
    walked: list[list[str]], thread: int, files: list[str]
) -> None:
    assert [file for file in walked[thread] if file in files] == files


def test_the_walk_begins_at_the_door_and_names_each_file_once() -> None:
    named = [*CALL, *STORE, *GATEWAY]

    assert named[0] == "freeradius.py"
    assert sorted(set(named)) == sorted(named)


def test_the_files_that_all_three_threads_come_to_do(walked: list[list[str]]) -> None:
    sentence = SECTION.partition("used in all three threads")[2].partition("Files that only help")[0]
    named = re.findall(r"`([\w/]+\.py)`", sentence)

    assert set(named) == {
        file for file in (*CALL, *STORE, *GATEWAY) if all(file in steps for steps in walked)
    }


def test_the_walk_ends_in_the_store(walked: list[list[str]]) -> None:
    assert "stores/sqlite/store.py" in walked[2]
