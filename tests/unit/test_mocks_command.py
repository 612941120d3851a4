import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from smsotp_plugin.commands.mocks import run_mocks
from smsotp_plugin.errors import SmsOtpError

SMSOTP = shutil.which("smsotp", path=str(Path(sys.executable).parent)) or "smsotp is not installed"


def test_it_starts_the_gateways_and_the_page_and_stops_cleanly() -> None:
    command = [SMSOTP, "mocks", "--json", "--http", "0", "--page", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["page"], timeout=10) as page:
            title = page.read()
        process.terminate()
        status = process.wait(100)

    assert list(ready["gateways"]) == ["http"]
    assert b"<title>SMS inbox</title>" in title
    assert status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "says"), [(["--help"], 0, "--page PORT"), (["--http", "x"], 2, "is not a port")]
)
def test_options_are_those_of_the_mocks(arguments: list[str], status: int, says: str) -> None:
    done = subprocess.run(
        [SMSOTP, "mocks", *arguments], capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == status
    assert says in done.stdout + done.stderr


def test_whoever_has_closed_the_output_reads_nothing() -> None:
    words = ["bash", "-c", 'exec "$@" >&-', "-", SMSOTP, "mocks", "--help"]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, timeout=100, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_mocks_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> None: ...

    monkeypatch.setattr("smsotp_plugin.commands.mocks.find_spec", nothing)

    with pytest.raises(SmsOtpError, match=r"pip install 'smsotp-plugin\[mocks\]'"):
        run_mocks([])
