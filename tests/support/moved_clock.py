"""A wall clock of a program that tests set forward and back, at any time: see ``moved_clock.c``."""

import subprocess
import sys
from pathlib import Path

from tests.support.programs import program

_SOURCE = Path(__file__).with_suffix(".c")


class MovedClock:
    """
    The clock of each program that is started with its environment; at first the real one.

    Args:
        directory: For what it is made of; other users must be able to enter it.
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
        #: Words before a command, where variables cannot be given.
        self.run_by = ("env", *(f"{name}={value}" for name, value in self.environment.items()))

    def move(self, by: int) -> None:
        """Have it go so many seconds before or, less than 0, behind the real one."""
        with self._seconds.open("r+b" if self._seconds.exists() else "wb") as file:
            file.write(by.to_bytes(8, sys.byteorder, signed=True))
