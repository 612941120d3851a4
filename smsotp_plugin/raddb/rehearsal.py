"""
A trial start of the plugin, as FreeRADIUS's own user, that starts nothing: it finds everything that would stop FreeRADIUS's start.

It makes no file, opens no store, and connects to nothing except a store on the network. `rehearse_as` runs it in a process of
its own, because only there can it become that user for good, and because the packages have to be found as the server finds them.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smsotp_plugin.assembly import build_gateways
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.codes.key_file import look_at_keys
from smsotp_plugin.errors import ConfigError, SmsOtpError
from smsotp_plugin.raddb.account import Account, run_as
from smsotp_plugin.radius.findings import Finding, Row
from smsotp_plugin.radius.wiring import Wiring, judge_wiring
from smsotp_plugin.settings import Owners, Settings, find_warnings, load_settings
from smsotp_plugin.settings.alike import find_traits
from smsotp_plugin.stores.schemes import compare_keys, look_around, look_at_store

_SECONDS = 60
#: What the other process runs. The packages come after the distribution's, as with rlm_python3, and are then moved.
_BOOT = """
import gc, json, sys
main_file, config, *places = sys.argv[1:]
sys.path.extend(places)
try:
    from smsotp_plugin.radius.host import prefer_own_packages
    prefer_own_packages()
    from smsotp_plugin.raddb.rehearsal import print_rehearsal
except (ImportError, OSError) as exc:
    print(json.dumps({"failed": str(exc)}))
else:
    print_rehearsal(main_file, config)
gc.freeze()
"""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """
    The result of a rehearsal.

    Attributes:
        problems: What keeps the server from starting, as sentences.
        warnings: What is allowed and probably not meant, as sentences.
        wiring: What the virtual servers look like; None if they could not be looked at.
    """

    problems: list[str]
    warnings: list[str]
    wiring: Wiring | None


def rehearse(main_file: Path, config: Path) -> Rehearsal:
    """
    Judge as the present user.

    Args:
        main_file: FreeRADIUS's ``radiusd.conf``.
        config: The plugin's configuration.
    """
    problems, warnings, uniform = list[str](), list[str](), False
    try:
        settings = load_settings(config)
    except ConfigError as exc:
        problems += exc.problems
    else:
        uniform = settings.challenge.uniform
        warnings += find_warnings(settings, config, Owners.of_this_process())
        for look in (_look_at_key, _look_at_gateways):
            problems += _find_problems(look, settings)
        problems += _find_problems(lambda some: warnings.extend(_look_at_store(some, config)), settings)
    return Rehearsal(problems, warnings, judge_wiring(main_file, uniform=uniform))


def print_rehearsal(main_file: str, config: str) -> None:
    """Print as JSON what `rehearse` says, for the process that asked."""
    print(json.dumps(asdict(rehearse(Path(main_file), Path(config)))))  # noqa: T201  (to the process that asked)


def rehearse_as(account: Account, main_file: Path, config: Path, packages: list[Path]) -> Rehearsal:
    """
    Rehearse in a process of its own: as the server's user if we are root, else as ourselves.

    Args:
        account: The server's user.
        main_file: FreeRADIUS's ``radiusd.conf``.
        config: The plugin's configuration.
        packages: Directories that the plugin and what it needs are in.
    """
    # The server has the system's Python in it, not the virtual environment's.
    interpreter: str = getattr(sys, "_base_executable", sys.executable)
    command = [interpreter, "-I", "-B", "-c", _BOOT, str(main_file), str(config), *map(str, packages)]
    try:
        done = run_as(account, command, _SECONDS)
    except subprocess.TimeoutExpired:
        return Rehearsal([f"a start as {account.name} did not end within {_SECONDS} s"], [], None)
    except OSError as exc:
        return Rehearsal([f"{interpreter} cannot be run as {account.name}: {exc.strerror}"], [], None)
    return _read_answer(account, packages, done)


def _read_answer(
    account: Account, packages: list[Path], done: "subprocess.CompletedProcess[bytes]"
) -> Rehearsal:
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"status {done.returncode}"]
        kind = last[0].partition(":")[0]
        return Rehearsal([f"a start as {account.name} cannot be tried: {kind}"], [], None)
    if "failed" in answer:
        places = ", ".join(map(str, packages))
        problem = (
            f"{account.name} cannot load the plugin from {places}: {answer['failed']}; that user must be able to read "
            "these directories"
        )
        return Rehearsal([problem], [], None)
    return Rehearsal(answer["problems"], answer["warnings"], _as_wiring(answer["wiring"]))


def _as_wiring(answer: dict[str, Any]) -> Wiring:
    found = {
        kind: [Finding(**{**finding, "lines": tuple(finding["lines"])}) for finding in answer[kind]]
        for kind in ("problems", "uneven")
    }
    return Wiring(**{**answer, "rows": [Row(**row) for row in answer["rows"]], **found})


def _look_at_key(settings: Settings) -> None:
    if not settings.store.given_keys:
        look_at_keys(settings.store.key_path, makes=settings.store.makes_key)


def _look_at_store(settings: Settings, config: Path) -> list[str]:
    """Return warnings."""
    warnings = [f"{config}: store.{warning}" for warning in look_at_store(settings.store)]
    # Keys that cannot be read are reported by another check.
    with suppress(ConfigError):
        traits = find_traits(settings)
        compare_keys(settings.store, traits)
        warnings += [f"{config}: store.url: {warning}" for warning in look_around(settings.store, traits)]
    return warnings


def _look_at_gateways(settings: Settings) -> None:
    build_gateways(settings, SystemClock())


def _find_problems(look: Callable[[Settings], object], settings: Settings) -> list[str]:
    try:
        look(settings)
    except ConfigError as exc:
        return exc.problems
    except SmsOtpError as exc:
        return [str(exc)]
    return []
