"""``smsotp mocks``: the mock SMS gateways and their inbox page, a separate program that knows nothing of the plugin."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from smsotp_plugin.errors import SmsOtpError

_PACKAGE = "smsotp_mocks"


def run_mocks(arguments: Sequence[str]) -> NoReturn:
    """
    Become ``python -m smsotp_mocks``; this process ends with its exit code.

    Args:
        arguments: Passed on unchanged.

    Raises:
        SmsOtpError: The mocks are not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise SmsOtpError(
            "the mocks are not installed; install them with: pip install 'smsotp-plugin[mocks]'"
        )
    os.execv(sys.executable, [sys.executable, "-m", _PACKAGE, *arguments])  # noqa: S606  (no shell is wanted)
