from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.render import is_untouched, render_module, render_policy, render_site
from smsotp_plugin.raddb.tree import read_listener

CONFIG = Path("/etc/smsotp/smsotp.toml")
PACKAGES = [Path("/opt/smsotp/lib/python3.11/site-packages"), Path("/srv/source")]


def test_the_module_names_the_configuration_and_the_packages() -> None:
    text = render_module(CONFIG, PACKAGES)

    assert '\tpython_path = "/opt/smsotp/lib/python3.11/site-packages:/srv/source"\n' in text
    assert '\t\tfile = "/etc/smsotp/smsotp.toml"\n' in text
    assert "@" not in text


@pytest.mark.parametrize("character", ['"', "'", "\\", "$", "%", "\n", "\x7f"])
def test_a_path_that_freeradius_would_read_otherwise_is_refused(character: str) -> None:
    with pytest.raises(ConfigError, match="FreeRADIUS cannot use a path with such characters"):
        render_module(Path(f"/etc/a{character}b"), PACKAGES)


def test_a_colon_in_a_package_directory_is_refused() -> None:
    with pytest.raises(ConfigError, match="/a:b"):
        render_module(CONFIG, [Path("/a:b")])


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("127.0.0.1:1812", "\t\tipaddr = 127.0.0.1\n\t\tport = 1812\n"),
        ("*:11812", "\t\tipaddr = *\n\t\tport = 11812\n"),
        ("[::1]:1812", "\t\tipv6addr = ::1\n\t\tport = 1812\n"),
        ("[::]:1812", "\t\tipv6addr = ::\n\t\tport = 1812\n"),
    ],
)
def test_the_site_listens_where_it_was_told(written: str, lines: str) -> None:
    assert f"\t\ttype = auth\n{lines}" in render_site(read_listener(written))


def test_a_file_of_ours_is_known_until_it_is_changed() -> None:
    text = render_policy()

    assert is_untouched(text)
    assert not is_untouched(text.replace("reject", "ok", 1))
    assert not is_untouched(text + "\n")
    assert not is_untouched("")
