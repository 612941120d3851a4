"""
The configuration: one TOML file, read once and judged completely before the first user comes.

Every problem is one sentence, ``FILE: key.path: what is wrong and what to do``. It never repeats a value from the file,
which may be a password in the wrong place. The gateways' models are next to their providers.
"""

from smsotp_plugin.settings.files import find_named_files
from smsotp_plugin.settings.reading import DEFAULT_PATH, load_settings
from smsotp_plugin.settings.rights import Owners
from smsotp_plugin.settings.sections import Settings
from smsotp_plugin.settings.sections.challenge import OnWrongCode
from smsotp_plugin.settings.warnings import find_warnings

__all__ = [
    "DEFAULT_PATH",
    "OnWrongCode",
    "Owners",
    "Settings",
    "find_named_files",
    "find_warnings",
    "load_settings",
]
