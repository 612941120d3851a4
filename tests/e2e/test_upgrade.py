"""An upgrade as the page describes it: a second environment, `install` again, a restart; nobody loses a log-in."""

import os
import shutil
import stat
import sys
import sysconfig
from pathlib import Path

import smsotp_plugin

from .raddbs import freeradius
from .system import World


def environment(path: Path) -> Path:
    """Make an environment with a copy of the package; what the package needs comes from the running one."""
    packages = path / "lib"
    packages.mkdir(parents=True)
    shutil.copytree(Path(smsotp_plugin.__file__).parent, packages / "smsotp_plugin")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = path / "smsotp"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(packages)!r})\n"
        "from smsotp_plugin.__main__ import main\nmain()\n"
    )
    command.chmod(stat.S_IRWXU)
    return command


def test_a_code_that_was_sent_before_an_upgrade_is_good_after_it(tmp_path: Path) -> None:
    old, new = environment(tmp_path / "1"), tmp_path / "2"
    with World(tmp_path / "world", smsotp=old) as world:
        user = world.someone()
        challenge = world.log_in(user)
        code = world.code_of(user)
        command = environment(new)
        raddb = world.server.raddb
        host, port = world.server.address

        done = freeradius(
            *(
                "install",
                "--raddb",
                raddb,
                "--config",
                world.server.config_file,
                "--listen",
                f"{host}:{port}",
            ),
            smsotp=command,
        )
        assert done.returncode == 0, done.stderr
        module = (raddb / "mods-available/smsotp-plugin").read_text()
        assert f"{new}/lib" in module
        assert f"{tmp_path}/1{os.sep}" not in module
        assert world.log_in(world.someone()).code == "challenge"
        world.server.stop()
        shutil.rmtree(tmp_path / "1")
        world.server.start()

        assert world.answer(user, code, challenge.state).code == "accept"
        assert world.codes_of(user) == [code]
