"""A program's wall clock that tests can set forward and back at any time: see ``moved_clock.c``."""

import subprocess
import sys
from pathlib import Path

from tests.support.programs import program

_SOURCE = Path(__file__).with_suffix(".c")


class MovedClock:
    """
    The clock of each program that is started with `environment`; at first it shows the real time.

    Args:
        directory: For its files; other users must be able to enter it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        library, self._seconds = directory / "moved_clock.so", directory / "seconds"
        compiler = program("gcc", "gcc libc6-dev")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, _SOURCE], check=True)
        directory.chmod(0o755)
        library.chmod(0o755)
        self.move(0)
        #: Variables that a program needs.
        self.environment = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(self._seconds)}
        #: Words to put before a command where variables cannot be given.
        self.run_by = ("env", *(f"{name}={value}" for name, value in self.environment.items()))

    def move(self, by: int) -> None:
        """Let it be this many seconds ahead of the real time, or behind it if less than 0."""
        with self._seconds.open("r+b" if self._seconds.exists() else "wb") as file:
            file.write(by.to_bytes(8, sys.byteorder, signed=True))
