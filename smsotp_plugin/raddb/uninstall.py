"""What has to be done to a raddb so that it is as it was before the plugin. Looks and decides; changes nothing."""

import os
from pathlib import Path

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.changes import Change, RemoveFile, RemoveLink, WriteFile
from smsotp_plugin.raddb.dictionary import empty_dictionary, list_added_attributes, reduce_dictionary
from smsotp_plugin.raddb.install import MODULE, PlannedChanges
from smsotp_plugin.raddb.render import is_untouched
from smsotp_plugin.raddb.tree import Raddb
from smsotp_plugin.raddb.uses import find_uses


def plan_removal(raddb: Raddb) -> PlannedChanges:
    """
    Judge a raddb and say what has to be removed; the administrator's own text never is.

    Raises:
        ConfigError: Something still uses the plugin, or was changed by hand; all problems at once.
    """
    top, place = raddb.path, raddb.place
    site, dictionary = top / "sites-available/smsotp", place.inside(top / "dictionary")
    definitions = place.read(dictionary) or ""
    site_text = place.read(place.inside(site))
    ours = [top / "mods-available" / MODULE, top / "policy.d/smsotp"]
    if site_text is None or is_untouched(site_text):
        ours.append(site)
    left = {top / "dictionary": empty_dictionary(definitions)}
    problems = [
        f"{use.file}:{use.line} uses {use.name}: take that out first"
        for use in find_uses(raddb, list_added_attributes(definitions), ours, left)
    ]
    changes, notes = list[Change](), list[str]()
    for available in ours:
        enabled = top / available.parent.name.replace("available", "enabled") / available.name
        text = place.read(place.inside(available))
        if text is not None and not is_untouched(text):
            problems.append(f"{available} was changed after it was written, or is not ours: move it away")
            continue
        if enabled != available:
            problems += _plan_link(raddb, enabled, available, changes)
        if text is not None:
            changes.append(RemoveFile(place, place.inside(available), text))
    if site not in ours:
        notes.append(f"{site} was changed by hand and stays")
    changes += _plan_dictionary(raddb, dictionary, definitions)
    if problems:
        raise ConfigError(problems)
    if changes:
        notes.append(
            "users in a database or a directory were not checked: make sure that none has an SMSOTP attribute"
        )
    return PlannedChanges(changes, notes)


def _plan_link(raddb: Raddb, enabled: Path, available: Path, changes: list[Change]) -> list[str]:
    if not os.path.lexists(enabled):
        return []
    if not enabled.is_symlink() or Path(os.path.realpath(enabled)) != available.resolve():
        return [f"{enabled} does not lead to {available}: move it away"]
    changes.append(RemoveLink(raddb.place, raddb.place.inside(enabled.parent) / enabled.name))
    return []


def _plan_dictionary(raddb: Raddb, file: Path, text: str) -> list[Change]:
    rest = reduce_dictionary(text)
    if rest is None:
        return [RemoveFile(raddb.place, file, text)]
    return [WriteFile(raddb.place, file, text, rest, like=raddb.main_file)] if rest != text else []
