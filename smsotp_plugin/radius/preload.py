"""
Everything that the log-ins to come would import, loaded at the start.

An import during a log-in that fails, because packages are being upgraded or descriptors have run out, may leave the lock of
its module taken, and all requests after it would wait for ever. The standard library, too, imports on first use.
"""

import importlib

from smsotp_plugin.sms.numbering import load_numbering_plans

#: What the standard library imports when it is first needed; names of 3.11 to 3.14.
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
