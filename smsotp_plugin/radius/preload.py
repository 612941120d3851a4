"""
Loads everything at the start that later log-ins would import.

If an import during a log-in fails, because packages are being upgraded or descriptors have run out, the lock of its module may
stay taken, and all later requests would wait for ever. The standard library imports on first use, too.
"""

import importlib

from smsotp_plugin.sms.numbering import load_numbering_plans
from smsotp_plugin.wire.http.text import load_codecs

#: What the standard library imports on first use; the names are those of 3.11 to 3.14.
_LATER = (
    "email.generator",
    "encodings.idna",
    "encodings.utf_16_be",
    "linecache",
    "stringprep",
    "tokenize",
    "_strptime",
)


def load_everything() -> None:
    """
    Import what is imported on first use elsewhere.

    Raises:
        ImportError: A part of it is missing.
    """
    for name in _LATER:
        importlib.import_module(name)
    load_numbering_plans()
    load_codecs()
