import os
from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.tree import Raddb, read_listener


@pytest.fixture
def raddb(tmp_path: Path) -> Path:
    (tmp_path / "radiusd.conf").touch()
    for name in ("mods-available", "mods-enabled", "policy.d", "sites-available", "sites-enabled"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "text", ["", "1812", "localhost:1812", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:1812", "[1.2.3.4]:1", "1.2.3:1"]
)  # fmt: skip
def test_what_is_no_address_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not ADDR:PORT, such as"):
        read_listener(text)


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "*:1", True),
        ("*:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.2:1", False),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("[::]:1", "*:1", False),
        ("[::]:1", "[::1]:1", True),
    ],
)
def test_listeners_collide_as_the_operating_system_sees_it(one: str, other: str, collide: bool) -> None:  # noqa: FBT001  (a column of the table)
    assert read_listener(one).collides(read_listener(other)) is collide


def test_a_listener_is_shown_as_it_is_written() -> None:
    assert [str(read_listener(text)) for text in ("127.0.0.1:1", "[::1]:1")] == ["127.0.0.1:1", "[::1]:1"]


def test_listeners_of_enabled_sites_are_found(raddb: Path) -> None:
    (raddb / "sites-enabled/a").write_text(
        "server a {\nlisten {\ntype = auth\nipaddr = *\nport = 0\n}\nlisten {\ntype = acct\nipv6addr = ::1\nport = 0\n}\n}\n"
    )
    (raddb / "sites-enabled/b~").write_text("listen {\nipaddr = 127.0.0.1\nport = 7\n}\n")
    (raddb / "sites-enabled/c").write_text(
        "listen {\nipaddr = ${my_address}\nport = 7\n}\nlisten {\nproto = tcp\nport = 8\n}\n"
    )

    assert [str(listener) for _, listener in Raddb(raddb).listeners()] == ["0.0.0.0:1812", "[::1]:1813"]


def test_enabled_modules_are_found_with_their_names(raddb: Path) -> None:
    (raddb / "mods-enabled/mine").write_text("python3 {\n}\nalways ok {\nrcode = ok\n}\n")

    assert [(kind, name) for _, kind, name in Raddb(raddb).modules()] == [
        ("python3", "python3"),
        ("always", "ok"),
    ]


def test_a_missing_directory_is_told(raddb: Path) -> None:
    (raddb / "policy.d").rmdir()

    with pytest.raises(ConfigError, match=r"is not as FreeRADIUS 3 has it: policy\.d is missing"):
        Raddb(raddb)


def test_a_server_without_a_user_stays_who_starts_it(raddb: Path) -> None:
    assert Raddb(raddb).account().uid == os.geteuid()


def test_a_user_that_does_not_exist_is_told(raddb: Path) -> None:
    (raddb / "radiusd.conf").write_text("security {\n\tuser = nosuchuser\n}\n")

    with pytest.raises(ConfigError, match="the user nosuchuser"):
        Raddb(raddb).account()


def test_the_module_is_looked_for_where_radiusd_conf_says(raddb: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/rlm_python3.so").touch()
    (raddb / "radiusd.conf").write_text(f"top = {tmp_path}\nlibdir = /nowhere:${{top}}/lib\n")

    assert Raddb(raddb).library == tmp_path / "lib/rlm_python3.so"
