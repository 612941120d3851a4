"""What a test leaves open fails the file that the test is in, and not the one that runs when it is collected."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LEAVES_A_SOCKET = """
import socket

class Holder:
    def __init__(self, kept):
        self.kept, self.itself = kept, self

def test_it():
    Holder(socket.socket())
"""


def test_a_socket_that_is_left_open_fails_its_own_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.support.unclosed import nothing_is_left_open")
    pytester.makepyfile(test_1=LEAVES_A_SOCKET, test_2="import gc\ndef test_another(): gc.collect()")

    result = pytester.runpytest_subprocess("-v", "-W", "error", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["test_1.py::test_it ERROR*", "test_2.py::test_another PASSED*"])
