"""Without the packages of the extra ``mocks``, whatever needs one of them says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest

ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pyrad", "trustme"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
SAID = "which is not installed: pip install 'smsotp-plugin[mocks]'"


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "sitecustomize.py").write_text(ABSENT)
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )


def test_the_command_says_what_tls_needs(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "smsotp_mocks", "--tls", "--http", "0")

    assert done.returncode == 2
    assert done.stderr == f"python -m smsotp_mocks: this needs the package trustme, {SAID}\n"


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("smsotp_mocks.net.certificates; smsotp_mocks.net.certificates.Certificates()", "trustme"),
        ("smsotp_mocks.servers.freeradius", "pyrad"),
        ("smsotp_mocks.servers.cluster", "pyrad"),
        ("smsotp_mocks.demo.__main__", "pyrad"),
    ],
)
def test_python_says_what_is_missing(tmp_path: Path, statement: str, package: str) -> None:
    done = run(tmp_path, "-c", f"import {statement}")

    assert f"MissingPackage: this needs the package {package}, {SAID}" in done.stderr


def test_gateways_inbox_and_page_need_neither(tmp_path: Path) -> None:
    done = run(
        tmp_path, "-c", "import smsotp_mocks; smsotp_mocks.HttpGateway(smsotp_mocks.Inbox()).start().stop()"
    )

    assert (done.stderr, done.returncode) == ("", 0)
