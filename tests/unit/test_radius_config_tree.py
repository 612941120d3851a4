"""Included files stand in their places, and variables are filled in as FreeRADIUS fills them."""

import os
from pathlib import Path

import pytest

from smsotp_plugin.radius.config_tree import find_running_main_file, read_tree


@pytest.fixture
def main_file(tmp_path: Path) -> Path:
    return tmp_path / "radiusd.conf"


def test_a_directory_is_included_with_the_files_that_freeradius_takes(
    main_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "sites").mkdir()
    for name in ("b", "a.conf", ".hidden", "a~", "c d"):
        (tmp_path / "sites" / name).write_text(f"{name[0]} = 1\n")
    (tmp_path / "sites/folder").mkdir()
    (tmp_path / "sites/gone").symlink_to("nowhere")
    main_file.write_text("outer {\n$INCLUDE sites/\n}\n")

    tree = read_tree(main_file)

    assert tree.root.sections[0].values == {"a": "1", "b": "1"}
    assert tree.unread == []


def test_variables_come_from_the_main_file_the_section_and_the_environment(
    main_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRING_OF_TESTS", "from outside")
    main_file.write_text(
        "top = /etc\nmodules {\nfiles second {\nhere = ${top}/${.:instance}\nthere = ${here}/x\nup = ${..size}\n"
        "env = $ENV{WIRING_OF_TESTS}\nnone = ${nothing}\n}\n}\n"
    )

    values = read_tree(main_file).root.sections[0].sections[0].values

    assert values == {
        "here": "/etc/second",
        "there": "/etc/second/x",
        "up": "${..size}",
        "env": "from outside",
        "none": "${nothing}",
    }


def test_what_is_no_file_is_told_and_not_waited_for(main_file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    main_file.write_text("$INCLUDE pipe\nafter = 1\n")

    tree = read_tree(main_file)

    assert tree.unread == [f"{main_file}:1: {tmp_path}/pipe cannot be read: it is not a regular file"]
    assert tree.root.values["after"] == "1"


def test_where_something_stands_is_known_in_included_files_too(main_file: Path, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("\n\nserver x {\n}\n")
    main_file.write_text("$INCLUDE more\n")

    (server,) = read_tree(main_file).root.sections

    assert (server.file, server.line, server.end) == (tmp_path / "more", 3, 4)


@pytest.mark.parametrize(
    ("program", "options", "name"),
    [
        ("/usr/sbin/freeradius", {"-f": "", "-d": "here"}, "radiusd.conf"),
        ("anything", {"-d": "here", "-n": "second"}, "second.conf"),
        ("anything", {"-d": "here", "-n": "third"}, None),
        ("python3", {}, None),
    ],
)
def test_the_main_file_of_a_running_server_is_found_from_its_options(
    tmp_path: Path, program: str, options: dict[str, str], name: str | None
) -> None:
    for file in ("radiusd.conf", "second.conf"):
        (tmp_path / file).touch()
    given = {key: str(tmp_path) if value == "here" else value for key, value in options.items()}

    assert find_running_main_file(program, given) == (tmp_path / name if name else None)


def test_the_directory_of_the_main_file_goes_before_what_it_says(main_file: Path) -> None:
    main_file.write_text("confdir = /elsewhere\nmodconfdir = ${confdir}/mods-config\n")

    assert read_tree(main_file).root.values["modconfdir"] == f"{main_file.parent}/mods-config"


def test_the_first_of_several_values_counts_as_for_the_server(main_file: Path) -> None:
    main_file.write_text("name = one\nname = two\nlisten {\nport = 1\nport = 2\ncalled = ${name}\n}\n")

    assert read_tree(main_file).root.sections[0].values == {"port": "1", "called": "one"}


def test_the_files_that_were_read_are_told(main_file: Path, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("")
    main_file.write_text("$INCLUDE more\n$-INCLUDE missing\n")

    assert read_tree(main_file).files == [main_file, tmp_path / "more"]


def test_a_name_that_no_file_can_have_is_told(main_file: Path) -> None:
    main_file.write_text("$INCLUDE a\0b\n$-INCLUDE a\0b\nafter = 1\n")

    tree = read_tree(main_file)

    assert tree.unread == [f"{main_file}:1: the name of a file holds a NUL character"]
    assert tree.root.values["after"] == "1"
