"""Programs of the harness: what is true of them when a call returns."""

import os
import signal
import sys
from pathlib import Path

from smsotp_mocks.servers.program import Program

#: Threads that never wait, so that some of them run at any moment.
_BUSY = """
import threading
def turn():
    while True:
        pass
for _ in range(6):
    threading.Thread(target=turn, daemon=True).start()
print("ready", flush=True)
turn()
"""


class BusyProgram(Program):
    """Uses all of the machine."""

    name = "The busy program"
    ready = "ready"

    def command(self) -> list[str]:
        return [sys.executable, "-c", _BUSY]


def thread_states(pid: int) -> list[str]:
    """Return what the kernel says of each thread of a process: R runs, S sleeps, T is stopped."""
    return [
        stat.read_text().rpartition(") ")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ]


def test_no_thread_of_a_frozen_program_runs_on(tmp_path: Path) -> None:
    with BusyProgram(tmp_path, "busy.log") as program:
        for _ in range(20):
            assert program.pid is not None
            program.freeze()
            assert set(thread_states(program.pid)) == {"T"}
            program.thaw()


def test_a_program_can_be_frozen_twice_and_killed_then(tmp_path: Path) -> None:
    with BusyProgram(tmp_path, "busy.log") as program:
        program.freeze()
        program.freeze()
        program.kill()

        assert program.pid is None


def test_a_program_that_has_ended_is_frozen_at_once(tmp_path: Path) -> None:
    program = BusyProgram(tmp_path, "busy.log").start()
    assert program.pid is not None
    os.kill(program.pid, signal.SIGKILL)
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)

    program.freeze()

    program.stop()
    assert program.pid is None
