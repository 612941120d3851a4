"""What the page about the installation shows beside commands and TOML."""

import re
import shlex

from smsotp_plugin.radius.config_text import read_text
from tests.support.markdown import ROOT, blocks

PAGE = ROOT / "docs/install.md"


def section(heading: str) -> str:
    """Return the text of a section."""
    found = re.search(
        rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found
    return found[1]


def test_all_values_of_the_directorys_attribute_are_taken() -> None:
    (line,) = re.findall(r"control:SMSOTP-Phone.*'mobile'", section("6. Give users a telephone number"))

    assert line == "control:SMSOTP-Phone += 'mobile'"
    assert [part.kind for part in read_text(f"update {{\n{line}\n}}\n").sections] == ["update"]


def test_an_upgrade_installs_nothing_where_the_running_server_has_its_packages() -> None:
    environments = {
        heading: {
            word.removesuffix("/bin/pip")
            for line in section(heading).splitlines()
            if line.endswith("install smsotp-plugin")
            for word in shlex.split(line)
            if word.endswith("/bin/pip")
        }
        for heading in ("1. Install the package", "Upgrade")
    }

    assert all(len(found) == 1 for found in environments.values())
    assert environments["1. Install the package"] != environments["Upgrade"]


def test_each_unit_that_a_page_has_written_is_written_again_by_an_upgrade_and_removed_at_the_end() -> None:
    written = {
        shlex.split(line)[-1]
        for block in blocks("sh")
        for line in block.text.splitlines()
        if "| tee /etc/systemd/" in line
    }
    again, removed = (
        {word for line in section(heading).splitlines() if start in line for word in line.split()}
        for heading, start in (("Upgrade", "/opt/smsotp/2/bin/smsotp "), ("Uninstall", "rm "))
    )

    assert len(written) > 1
    assert written - again == set()
    assert written - removed == set()


def test_freeradius_is_restarted_when_its_unit_is_right_and_the_old_environment_goes_last() -> None:
    drop_in = "/etc/systemd/system/freeradius.service.d/smsotp.conf"
    for heading, packages in (("Upgrade", "/opt/smsotp/1"), ("Uninstall", "/opt/smsotp")):
        lines = section(heading).splitlines()
        (unit,) = [at for at, line in enumerate(lines) if line.endswith(drop_in)]
        restart = lines.index("systemctl restart freeradius")
        (gone,) = [at for at, line in enumerate(lines) if line.startswith(f"rm -r {packages}")]

        assert unit < restart < gone


def test_the_commands_name_one_smsotp_and_the_upgrade_its_own() -> None:
    programs = {
        word
        for block in blocks("sh", pages=[PAGE])
        for line in block.text.splitlines()
        for word in shlex.split(line)[:1]
        if word.endswith("smsotp")
    }

    assert programs == {"smsotp", "/opt/smsotp/2/bin/smsotp"}
