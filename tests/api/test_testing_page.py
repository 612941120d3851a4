"""docs/testing.md is executed, step by step, in a project that is not this one."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import SPARE_PLUGINS, run_pytest

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text()
CONSOLE = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
STEPS = re.findall(r"^\$ (.*)\n((?:(?!\$ ).+\n)*)", CONSOLE, re.MULTILINE)
FILES = dict(re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def ports() -> Iterator[dict[str, str]]:
    (start,) = re.findall(r"```sh\npython (.*)\n```", PAGE)
    command = start.replace("8080", "0").replace("8025", "0").split()
    with subprocess.Popen([sys.executable, *command, "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield {"127.0.0.1:8080": ready["gateways"]["http"][7:], "127.0.0.1:8025": ready["page"][7:-1]}
        process.terminate()


def test_every_command_says_what_the_page_shows(project: Path, ports: dict[str, str]) -> None:
    (project / "test_radius.py").unlink()
    said = []
    for command, _ in STEPS:
        for shown, real in ports.items():
            command = command.replace(shown, real)  # noqa: PLW2901  (the command as it can be run here)
        done = subprocess.run(
            re.sub(r"^python ", f"{sys.executable} ", command),
            shell=True,
            cwd=project,
            env=os.environ | SPARE_PLUGINS,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said.append(re.sub(r"[0-9]+ passed in .*\n", "", done.stdout))

    assert len(STEPS) == 6
    assert said == [shown for _, shown in STEPS]


def test_a_real_freeradius_serves_the_last_example(project: Path) -> None:
    assert shutil.which("freeradius", path="/usr/sbin"), "apt-get install freeradius freeradius-python3"

    said = run_pytest(project, "-W", "error", "test_radius.py")

    assert "1 passed" in said, said
