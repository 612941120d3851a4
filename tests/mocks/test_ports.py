"""Free ports, for those who test on one machine at the same time."""

import json
import subprocess
import sys
from contextlib import ExitStack

from smsotp_mocks.net.ports import find_free_tcp_port, find_free_udp_port

#: Says which ports it and its child choose, and lives until its input ends.
CHOOSES = """
import os, sys
from smsotp_mocks.net.ports import find_free_tcp_port
find_free_tcp_port()
child = os.fork()
chosen = [find_free_tcp_port() for _ in range(200)]
os.write(1, f"{chosen}\\n".encode())
sys.stdin.read()
if child:
    os.wait()
"""


def test_processes_that_live_at_the_same_time_choose_different_ports() -> None:
    with ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CHOOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(4)
        ]
        chosen = []
        for process in processes:
            assert process.stdout
            chosen += [*json.loads(process.stdout.readline()), *json.loads(process.stdout.readline())]
        for process in processes:
            process.communicate()

    assert len(chosen) == len(set(chosen)) == 4 * 2 * 200


def test_a_port_is_not_chosen_again_soon() -> None:
    chosen = [choose() for _ in range(200) for choose in (find_free_tcp_port, find_free_udp_port)]

    assert len(set(chosen)) == len(chosen)
