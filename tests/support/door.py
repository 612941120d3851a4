"""The door with a host that a test plays: a module takes the place of ``radiusd``."""

import codecs
import contextlib
import gc
import importlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from smsotp_plugin.log import ROOT
from smsotp_plugin.radius import host
from tests.support.unclosed import own_threads, thaw_later

REJECT, OK, NOOP = 0, 2, 7
CONFIG = """
[store]
url = "sqlite://{directory}/smsotp.db"
[gateways.nobody]
provider = "http"
URL = "http://127.0.0.1:1/sms"
RETURN_SUCCESS = "OK"
[gateways.nobody.options]
to = "{{phone}}"
text = "{{otp}}"
"""
#: A first leg.
BOB = {
    "request": (("User-Name", "bob"), ("User-Password", "hello")),
    "config": (("SMSOTP-Phone", "+491701234567"),),
}


class Radiusd(ModuleType):
    """What rlm_python3 provides as the module ``radiusd``."""

    L_DBG, L_AUTH, L_INFO, L_ERR, L_WARN = 16, 2, 3, 4, 5

    def __init__(self, config: Path) -> None:
        super().__init__("radiusd")
        self.config = {"file": str(config)}
        self.lines: list[str] = []
        self.broken = False

    def radlog(self, level: int, line: str) -> None:
        if self.broken or not line.isprintable():
            raise ValueError("the server does not take this line")
        assert level in (self.L_INFO, self.L_ERR, self.L_WARN)
        self.lines.append(line)


class World:
    """The door with its host."""

    def __init__(self, door: Any, radiusd: Radiusd, directory: Path) -> None:
        self.door = door
        self.radiusd = radiusd
        self.directory = directory
        self._before = own_threads()

    @property
    def log(self) -> str:
        return "\n".join(self.radiusd.lines)

    def threads(self) -> list[str]:
        """Return the names of the threads that have been started since this was made."""
        return sorted(thread.name for thread in own_threads() - self._before)


@contextlib.contextmanager
def open_door(directory: Path, monkeypatch: pytest.MonkeyPatch, config_toml: str) -> Iterator[World]:
    """Give the door, not yet started. At the end it is stopped, and nothing may be left running."""
    logger = logging.getLogger(ROOT)
    kept = (logger.handlers, logger.level, logger.propagate)
    thresholds = gc.get_threshold()
    for name in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    config = directory / "smsotp.toml"
    config.write_text(config_toml)
    config.chmod(0o600)
    radiusd = Radiusd(config)
    monkeypatch.setitem(sys.modules, "radiusd", radiusd)
    monkeypatch.delitem(sys.modules, "smsotp_plugin.freeradius", raising=False)
    # A version that needs no guard: the guard is for the end of FreeRADIUS, not of the test run.
    monkeypatch.setattr(host, "find_server_version", lambda: (3, 2, 8))
    door = importlib.import_module("smsotp_plugin.freeradius")
    world = World(door, radiusd, directory)
    try:
        yield world
    finally:
        door.detach()
        logger.handlers, level, logger.propagate = kept
        logger.setLevel(level)
        sys.modules.pop("smsotp_plugin.freeradius", None)
        codecs.register_error("strict", codecs.strict_errors)
        thaw_later()
        gc.set_threshold(*thresholds)
    assert world.threads() == []


def code_of(answer: object) -> int:
    """Return the module code of an answer; fails unless the answer has exactly the host's form."""
    code = answer[0] if type(answer) is tuple else answer
    assert type(code) is int
    assert 0 <= code <= 8
    return code


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with open_door(tmp_path, monkeypatch, CONFIG.format(directory=tmp_path)) as world:
        yield world


@pytest.fixture
def running(world: World) -> World:
    assert world.door.instantiate({}) == OK
    return world


def raiser(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail
