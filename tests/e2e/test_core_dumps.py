"""What the server has in its memory, codes and the key, is in no core dump, and nothing that runs as its user can read it."""

import os
import pwd
import re
import signal
import subprocess
from pathlib import Path

from .mounts import needs_root, wrap_server
from .system import World, people

pytestmark = needs_root

AS_USER = "setpriv --reuid=freerad --regid=freerad --clear-groups"
ANY_SIZE = "ulimit -c unlimited"
WARNING = "core dumps are allowed: one would hold the key of the store, passwords and codes"


def prepared(directory: Path, *, allowed: str) -> World:
    """Return a server that runs as FreeRADIUS's user, whose shell allows core dumps of any size."""
    world = World(directory / "world", users=people(2))
    world.server.prepare()
    wrap_server(world.server, ANY_SIZE, run_by=AS_USER)
    main = world.server.raddb / "radiusd.conf"
    main.write_text(main.read_text().replace("allow_core_dumps = no", f"allow_core_dumps = {allowed}"))
    account = pwd.getpwnam("freerad")
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return world


def owner_of_memory(world: World) -> str:
    """Return who may look into the server's memory: proc(5) gives these files to root where no core dump may be made."""
    return Path(f"/proc/{world.server.pid}/environ").owner()


def test_the_server_leaves_no_core_dump_even_where_something_else_takes_them(directory: Path) -> None:
    with prepared(directory, allowed="no") as world:
        assert world.log_in_wholly(world.someone()).code == "accept"
        assert world.server.pid is not None
        limits = Path(f"/proc/{world.server.pid}/limits").read_text()
        # As where the kernel hands cores to a program: the limit that FreeRADIUS has set counts for nothing.
        raised = ["prlimit", "--pid", str(world.server.pid), "--core=unlimited"]
        subprocess.run([*AS_USER.split(), *raised], check=True)
        owner = owner_of_memory(world)
        world.server.send_signal(signal.SIGABRT)
        ended = os.waitid(os.P_PID, world.server.pid, os.WEXITED | os.WNOWAIT)
        world.server.stop(expected=-signal.SIGABRT)

        assert re.search(r"^Max core file size +0 +unlimited", limits, re.MULTILINE)
        assert owner == "root"
        assert ended is not None
        assert ended.si_code == os.CLD_KILLED
        assert list(world.server.directory.glob("core*")) == []
        assert WARNING not in world.server.log_text()


def test_core_dumps_that_the_administrator_has_allowed_are_told(directory: Path) -> None:
    with prepared(directory, allowed="yes") as world:
        assert owner_of_memory(world) == "freerad"
        assert WARNING in world.server.log_text()
