"""The first screen of the README, and of the page about clusters, shows what happens."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smsotp_mocks.demo import __main__ as demo
from smsotp_mocks.demo import one_server
from smsotp_mocks.servers.raddb import RadiusUser
from tests.support.file_events import wait_for_files
from tests.support.markdown import ROOT, blocks

DEMO = [sys.executable, "-m", "smsotp_mocks.demo"]


def shape(text: str) -> str:
    """Return a transcript without what is different each time: ports, codes, the begin of a State."""
    return re.sub(r"State = \w+", "State = *", re.sub(r"(?<=:)\d+|\b\d{6}\b", "*", text))


@pytest.mark.parametrize(
    ("page", "arguments"), [("README.md", []), ("docs/cluster.md", ["--cluster"])], ids=["one", "cluster"]
)
def test_the_demo_prints_what_the_page_shows(page: str, arguments: list[str]) -> None:
    shown = next(block for block in blocks("text", pages=[ROOT / page]) if "Mock gateway" in block.text)

    done = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=110, check=False)

    assert done.stderr == ""
    assert shape(done.stdout.strip()) == shape(shown.text.strip())
    assert done.returncode == 0


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
    ) as running:
        assert running.stdout
        assert next(line for line in running.stdout if "FreeRADIUS" in line)
        server = next(tmp_path.glob("smsotp-demo-*/raddb"))
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=110)

    assert running.returncode == 130
    assert errors.strip() == "Interrupted; everything is stopped."
    assert not server.exists()


@pytest.mark.parametrize("begun", ["worker-1/worker.log", "node-1/radius.log"])
def test_a_demo_that_is_interrupted_twice_while_a_program_starts_leaves_none_running(
    tmp_path: Path, begun: str
) -> None:
    with subprocess.Popen(
        [*DEMO, "--cluster"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path)},
        start_new_session=True,
    ) as running:
        # Python tries the directory with a file of its own, before the demo makes its folder there.
        wait_for_files(tmp_path, lambda: [*tmp_path.glob("smsotp-demo-*")])
        log = next(tmp_path.glob("smsotp-demo-*")) / begun
        for place in (log.parent, log):
            wait_for_files(place.parent, place.exists)
        for _ in range(2):
            running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=110)

    assert running.returncode == 130
    assert errors.strip() == "Interrupted; everything is stopped."
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    assert [*tmp_path.iterdir()] == []


def test_a_demo_in_which_something_else_happens_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(one_server, "BOB", RadiusUser("bob", "another password"))

    assert demo.main([]) == 1
    assert "Access-Challenge was expected." in capsys.readouterr().err


def test_a_demo_that_nobody_reads_any_more_ends_quietly() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        running.stdout.readline()
        running.stdout.close()
        _, errors = running.communicate(timeout=110)

    assert (running.returncode, errors) == (1, "")
