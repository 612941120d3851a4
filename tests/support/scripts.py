"""What the shell scripts of this project do, piece by piece: `scripts/lib.sh`, and some commands that use it."""

import os
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_PATIENCE = 100.0


class Script:
    """
    A script that runs.

    Args:
        script: Its commands.
        folder: What it takes for the project's folder.
        environment: Further variables.
    """

    def __init__(self, script: str, folder: Path = PROJECT, **environment: str) -> None:
        self._process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"PROGRAM=scripts/some; . {PROJECT}/scripts/lib.sh; {script}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd=folder,
            env={**os.environ, **environment},
        )
        self.said = ""

    def read_until(self, words: str) -> None:
        """Read what it says until there are some words, or its end."""
        assert self._process.stdout is not None
        while words not in self.said and (piece := self._process.stdout.read(4096)):
            self.said += piece.decode()

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> int:
        """Read the rest; returns the exit code."""
        self.read_until("nothing that it says")
        with self._process:
            return self._process.wait(_PATIENCE)
