"""The resident size of one process while its only gateway is dead and people go on logging in, without FreeRADIUS."""

import logging
import os
import time
from pathlib import Path

from bench_servers import write_http_gateway

from smsotp_plugin import assembly
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.radius.attributes import AttributePlace, Packet
from smsotp_plugin.radius.host import calm_collector
from smsotp_plugin.radius.legs import Legs
from smsotp_plugin.settings import load_settings

_POINTS = 20
_DISCARD = 9  # a port where nothing listens


def print_memory(folder: Path, legs: int) -> None:
    """
    Send first legs of different people through the flow and print how large the process has become.

    Args:
        folder: For the store.
        legs: How many.
    """
    logging.getLogger("smsotp").setLevel(logging.CRITICAL)
    config = folder / "memory.toml"
    store = f'[store]\nurl = "sqlite://{folder}/memory.db"\n'
    config.write_text(store + write_http_gateway(_DISCARD))
    config.chmod(0o600)
    settings = load_settings(config)
    system = assembly.build(settings, SystemClock())
    system.start()
    calm_collector()
    doors = Legs(
        system.login, system.notifier, [AttributePlace.parse(text) for text in settings.users.number]
    )
    print(f"\n{legs} first legs through one process whose only gateway is dead: resident size")
    begin = time.perf_counter()
    try:
        for number in range(legs):
            if number % (legs // _POINTS) == 0:
                _print_point(number, begin)
            doors.first_leg(_make_packet(number))
        _print_point(legs, begin)
    finally:
        system.stop()


def _make_packet(number: int) -> Packet:
    return {
        "request": (
            ("User-Name", f"person{number}"),
            ("User-Password", "hello"),
            ("NAS-Identifier", "bench"),
        ),
        "config": (("SMSOTP-Phone", f"+49170{1_000_000 + number % 9_000_000}"),),
    }


def _print_point(number: int, begin: float) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    size = pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
    print(f"  {number:9} legs   {time.perf_counter() - begin:6.1f} s   {size:7.1f} MB", flush=True)
