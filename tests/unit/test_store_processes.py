"""Several processes use one file, and processes die."""

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from smsotp_plugin.stores.sqlite.file import SqliteFile
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.challenges import RIGHT, WINDOW, challenge, name_outcome
from tests.support.clock import FakeClock
from tests.support.parcels import begin

DAY = 86400.0
ROOT = Path(__file__).parents[2]


_ANSWER_AND_DIE = """
import os, sys
from pathlib import Path
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.stores.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), 30, 86400, SystemClock())
store.answer(sys.argv[2], "bob", "a" * 32, float(sys.argv[3]))
os.kill(os.getpid(), 9)
"""

_OPEN_EACH = """
import os, sys
from pathlib import Path
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.parcels import begin

clock = SystemClock()
store = SqliteStore(Path(sys.argv[1]), 30, 86400, clock)
asked = []
for number in range(100):
    now, state = clock.time(), f"{os.getpid():08x}{number:024x}"
    asked.append(Challenge(state, "bob", str(number), "c", "a" * 32, "+49", "d", now, now + 300, 3))
print("ready", flush=True)
sys.stdin.readline()
store.listen(lambda kept: [print("sent", flush=True) for _ in kept])
for new in asked:
    given = begin(store, new)
    print("given", given.state, flush=True)
store.close()
"""

_OPEN_AND_DIE = """
import os, sys
from pathlib import Path
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.stores.base import Challenge
from smsotp_plugin.stores.sqlite.store import SqliteStore
from tests.support.parcels import begin

clock = SystemClock()
now = clock.time()
store = SqliteStore(Path(sys.argv[1]), 30, 86400, clock)
store.listen(lambda _: os.kill(os.getpid(), 9))
begin(store, Challenge("5" * 32, "bob", "l", "c", "a" * 32, "+49", "d", now, now + 300, 3))
store.flush()
"""

_ANSWER_EACH = """
import sys
from pathlib import Path
from smsotp_plugin.clock import SystemClock
from smsotp_plugin.errors import ChallengeError
from smsotp_plugin.stores.sqlite.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), 30, 86400, SystemClock())
print("ready", flush=True)
sys.stdin.readline()
for state in sys.argv[3:]:
    try:
        store.answer(state, "bob", "a" * 32, float(sys.argv[2]))
        print("accepted")
    except ChallengeError as exc:
        print(type(exc).__name__)
store.close()
"""


def test_a_code_that_was_sent_survives_the_death_of_the_process(path: Path, clock: FakeClock) -> None:
    died = subprocess.run([sys.executable, "-c", _OPEN_AND_DIE, path], check=False, cwd=ROOT)
    store = SqliteStore(path, WINDOW, DAY, clock)
    found = store.find("5" * 32, "bob")
    store.close()

    assert died.returncode == -9
    assert found.tries_left == 3


def test_two_processes_accept_each_code_once(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    states = [begin(store, challenge(clock)).state for _ in range(100)]
    store.close()
    command = [sys.executable, "-c", _ANSWER_EACH, str(path), str(clock.time()), *states]
    ended = Counter(line for lines in run_together(command, command) for line in lines)

    assert ended == {"accepted": 100, "AlreadyUsed": 100}


def test_a_used_code_is_used_up_when_the_process_dies_before_it_says_so(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    new = begin(store, challenge(clock))
    store.close()
    died = subprocess.run(
        [sys.executable, "-c", _ANSWER_AND_DIE, path, new.state, str(clock.time())], check=False
    )
    store = SqliteStore(path, WINDOW, DAY, clock)
    ended = name_outcome(lambda: store.answer(new.state, "bob", RIGHT, clock.time()))
    store.close()

    assert died.returncode == -9
    assert ended == "AlreadyUsed"


def test_two_processes_give_the_same_log_ins_the_same_challenges(path: Path) -> None:
    command = [sys.executable, "-c", _OPEN_EACH, str(path)]
    both = run_together(command, command)
    opened = [Counter(line.split()[0] for line in lines) for lines in both]
    states = [{line.split()[1] for line in lines if line.startswith("given")} for lines in both]

    assert opened[0]["given"] == opened[1]["given"] == 100
    assert states[0] == states[1]
    assert opened[0]["sent"] + opened[1]["sent"] == 100


def test_the_process_whose_log_ins_are_older_takes_its_turn_last_and_gives_the_same_challenges(
    path: Path,
) -> None:
    command = [sys.executable, "-c", _OPEN_EACH, str(path)]
    with started(command) as older, started(command) as younger:
        (first,), (second,) = let_go(younger), let_go(older)
    given = [[line for line in lines if line.startswith("given")] for lines in (first, second)]

    assert len(given[0]) == 100
    assert given[0] == given[1]
    assert "sent" not in second


def test_only_a_store_on_the_same_file_is_a_neighbour(path: Path, tmp_path: Path, clock: FakeClock) -> None:
    file = SqliteFile(path, clock)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    beside = SqliteFile(tmp_path / "beside.db", clock)
    with closing(sqlite3.connect(path)) as shell:
        shell.execute("SELECT count(*) FROM challenges").fetchone()
        before = file.is_shared, beside.is_shared
    other = SqliteFile(link, clock)
    meanwhile = file.is_shared, other.is_shared, beside.is_shared
    other.close()
    after = file.is_shared
    file.close()
    beside.close()

    assert before == (False, False)
    assert meanwhile == (True, True, False)
    assert not after


def run_together(*commands: list[str]) -> list[list[str]]:
    """Run programs that say when they are ready, begin at the same moment, and return what each wrote."""
    with ExitStack() as stack:
        return let_go(*[stack.enter_context(started(command)) for command in commands])


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a program and wait until it says that it is ready."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def let_go(*running: subprocess.Popen[str]) -> list[list[str]]:
    """Let programs that are ready begin at the same moment, and return what each wrote."""
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].splitlines() for process in running]


def test_a_store_that_was_alone_all_the_time_does_not_ask_the_file_for_a_new_log_in(
    path: Path, clock: FakeClock
) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    clock.advance(WINDOW)
    with store._file._reader.lock:  # whoever asked the file would wait here for ever
        new = begin(store, challenge(clock, login="l"))
    store.flush()
    again = begin(store, challenge(clock, login="l"))
    store.close()

    assert again == new


def test_a_store_knows_what_one_that_is_gone_has_begun(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(path, WINDOW, DAY, clock)
    clock.advance(WINDOW)
    other = SqliteStore(path, WINDOW, DAY, clock)
    begun = begin(other, challenge(clock, login="l"))
    store.tidy(clock.time())
    other.close()
    clock.advance(WINDOW - 1)
    same = begin(store, challenge(clock, login="l"))
    store.close()

    assert same == begun
