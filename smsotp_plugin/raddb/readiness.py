"""Whether FreeRADIUS can be restarted with a raddb: its files, its user's rights, a rehearsal, and its own check."""

from dataclasses import dataclass, field
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.changes import Change, WriteFile
from smsotp_plugin.raddb.install import MODULE, find_python_path, plan_installation
from smsotp_plugin.raddb.rehearsal import rehearse_as
from smsotp_plugin.raddb.tree import Raddb, read_file
from smsotp_plugin.radius.config_text import read_text
from smsotp_plugin.radius.wiring import Wiring
from smsotp_plugin.settings import load_settings


@dataclass(frozen=True, slots=True)
class Readiness:
    """
    What was found, without FreeRADIUS's own check.

    Attributes:
        problems: What keeps the server from starting, as sentences.
        warnings: What is allowed but probably not meant, as sentences.
        wiring: What the virtual servers look like; None if they could not be looked at.
    """

    problems: list[str]
    warnings: list[str] = field(default_factory=list)
    wiring: Wiring | None = None


def judge_readiness(raddb: Raddb, config: Path) -> Readiness:
    """
    Judge what is there; nothing is changed.

    Args:
        raddb: FreeRADIUS's configuration.
        config: Absolute path of the plugin's configuration.

    Raises:
        ConfigError: radiusd.conf names a user or group that this machine does not have.
    """
    account = raddb.account()
    rehearsal = rehearse_as(account, raddb.main_file, config, find_python_path())
    problems = [*_find_missing(raddb, config), *rehearsal.problems]
    return Readiness(list(dict.fromkeys(problems)), rehearsal.warnings, rehearsal.wiring)


def find_configured_file(raddb: Raddb) -> Path | None:
    """
    Return the plugin's configuration that the installed module names, or None if no module is installed.

    Raises:
        ConfigError: The module's file cannot be read.
    """
    file = raddb.path / "mods-enabled" / MODULE
    if not file.is_file():
        return None
    named = [section.values.get("file", "") for section in read_text(read_file(file)).find("config")]
    return Path(named[0]) if named and named[0] else None


def _find_missing(raddb: Raddb, config: Path) -> list[str]:
    """Return what an installation would do or refuse; the rehearsal says what is wrong with the settings."""
    command = f"smsotp freeradius install --raddb {raddb.path} --config {config}"
    try:
        settings = load_settings(config)
    except ConfigError:
        link = raddb.path / "mods-enabled" / MODULE
        return (
            []
            if link.exists()
            else [f"{link} is missing, so that FreeRADIUS does not load the plugin; type: {command}"]
        )
    try:
        plan = plan_installation(raddb, config, settings, None)
    except ConfigError as exc:
        return exc.problems
    return [
        f"not as the installation leaves it; `{command}` would {change.describe()}"
        for change in plan.changes
        if not _is_example(change)
    ]


def _is_example(change: Change) -> bool:
    """Tell whether a change is about the example of a virtual server, which nobody needs."""
    return isinstance(change, WriteFile) and change.path.parts[-2:] == ("sites-available", "smsotp")
