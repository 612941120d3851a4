"""What the pages show is what there is: configuration, commands, Python, links."""

import re
import shlex
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer

from smsotp_mocks.__main__ import parse as parse_mocks
from smsotp_mocks.gateways.toml import write_toml
from smsotp_plugin.cli import app
from smsotp_plugin.settings import load_settings
from tests.support.markdown import PAGES, ROOT, Block, anchors, blocks, links

#: The provider of this page is not there; a test of its own builds it.
ELSEWHERE = ROOT / "docs/adding-a-provider.md"
CONFIGURATION = blocks("toml", pages=[page for page in PAGES if page != ELSEWHERE])
#: Run or read here, or by the module behind the name.
LANGUAGES = {
    *("sh", "toml"),
    *("redis", "acl", "sentinel"),  # test_cluster_page.py
    "console",  # tests/api/test_testing_page.py
    "python",  # test_python_blocks.py
    "text",  # test_log_texts.py, test_readme.py, test_adding_a_provider.py
    *("unlang", "users", "sql"),  # test_server_blocks.py
}
#: Programs of the system that the pages may call; the arguments are theirs to judge.
SYSTEM = {
    *(
        "apt",
        "cd",
        "chgrp",
        "chmod",
        "chown",
        "cp",
        "echo",
        "freeradius",
        "grep",
        "head",
        "install",
        "journalctl",
        "ln",
        "mv",
        "openssl",
        "radclient",
        "rm",
    ),
    *("redis-cli", "sed", "systemctl", "tac", "tail", "tee", "umask"),
}


def test_there_is_something_to_try() -> None:
    assert len(CONFIGURATION) > 5
    assert len(blocks("sh")) > 15


def test_every_block_says_in_which_language_it_is() -> None:
    fences = sum(len(re.findall(r"^ *```", page.read_text(), re.MULTILINE)) for page in PAGES)

    assert fences == 2 * len(blocks())
    assert [str(block) for block in blocks() if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", CONFIGURATION, ids=str)
def test_every_configuration_is_accepted(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "os.environ", dict.fromkeys(re.findall(r'env = "(\w+)"', block.text), "of-the-environment")
    )
    text = re.sub(r'"/etc/[^"]*/([^"]*)"', lambda found: f'"{make_all(tmp_path / found[1])}"', block.text)
    if "gateways" not in tomllib.loads(text):
        text += write_toml({"gateways.any": {"provider": "script", "SCRIPT": "/bin/true"}})
    config = tmp_path / "smsotp.toml"
    config.write_text(text)

    assert load_settings(config).gateways


def make_all(path: Path) -> Path:
    """Write a file that can be a password, a key, a program or an authority."""
    if path.suffix == ".crt":
        trustme.CA().cert_pem.write_to_path(path)
        return path
    path.write_text("password" if "password" in path.name else "a secret of enough characters for a key")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_every_command_is_one(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    if block.text.startswith("#!"):
        return

    for words in commands(block):
        judge(words)


def commands(block: Block) -> list[list[str]]:
    """Return the words of each command of a block, those of a pipe apart."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [words for line in lines for part in split(line) if (words := shlex.split(part))]


def split(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=False, punctuation_chars="|;&")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for token in lexer:
        if set(token) <= set("|;&"):
            parts.append([])
        else:
            parts[-1].append(token)
    return [" ".join(part) for part in parts]


def judge(words: list[str]) -> None:
    program, *arguments = words
    match Path(program).name, arguments:
        case "smsotp", _:
            parse_smsotp(arguments)
        case "python" | "python3", ["-m", "smsotp_mocks", *rest]:
            parse_mocks(rest)
        case "python" | "python3", ["-m", "venv", _]:
            pass
        case "python" | "python3", [script, *rest] if script.startswith("bench/"):
            known = subprocess.run(
                [sys.executable, ROOT / script, "--help"], check=True, capture_output=True, text=True
            ).stdout
            assert [word for word in rest if word.startswith("--") and word not in known] == []
            assert "--quick" in known
        case "pip", ["install", *wanted]:
            judge_installation(wanted)
        case ("env", [_, *rest]) | ("runuser", ["-u", _, "--", *rest]) if (
            program != "env" or "=" in arguments[0]
        ):
            judge(rest)
        case "pytest", paths:
            assert [path for path in paths if not (ROOT / path).exists()] == []
        case _ if program.startswith("scripts/"):
            judge_script(ROOT / program, arguments)
        case name, _:
            assert name in SYSTEM, f"{shlex.join(words)}: an unknown command"


def parse_smsotp(arguments: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    name = "smsotp"
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(name, arguments)


def judge_installation(wanted: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for word in wanted:
        extra = re.fullmatch(r"(?:smsotp-plugin|\.)\[(\w+)\]", word)
        assert extra is None or extra[1] in project["project"]["optional-dependencies"]
    if "--group" in wanted:
        assert wanted[wanted.index("--group") + 1] in project["dependency-groups"]


def judge_script(script: Path, arguments: list[str]) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111, f"{script} cannot be run"
    match script.name, arguments:
        case "demo", []:
            pass
        case "demo", _:
            subprocess.run(
                [sys.executable, "-m", "smsotp_mocks.demo", *arguments, "--help"],
                check=True,
                capture_output=True,
            )
        case "test", ["-e", names]:
            assert set(names.split(",")) <= environments()
        case "test", ["--", *_] | ["-l"] | []:
            pass
        case "test-on", [suite]:
            assert re.search(rf"\b{suite}\b.*\) readonly SUITE=", script.read_text()), f"{suite} is no suite"
        case "test-on", [suite, "sh", "-c", line]:
            judge_script(script, [suite])
            for part in split(line):
                judge(shlex.split(part))
        case "test-on", [suite, command, *rest]:
            judge_script(script, [suite])
            judge_script(ROOT / command, rest)
        case _:
            raise AssertionError(f"{script.name} {arguments}: nobody knows what that does")


def environments() -> set[str]:
    """Return the names of all environments of tox.ini."""
    ini = ConfigParser(interpolation=None)
    ini.read(ROOT / "tox.ini")
    names = [section.removeprefix("testenv:").strip("{}") for section in ini.sections()]
    return {name for group in names for name in group.split(",")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path) if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link} leads to no heading"


def test_every_page_can_be_found_from_the_index() -> None:
    index = ROOT / "docs/README.md"

    missing = (
        set(ROOT.glob("docs/**/*.md")) - {(index.parent / link).resolve() for link in links(index)} - {index}
    )

    assert missing == set()


def test_the_list_of_changes_says_each_thing_once() -> None:
    entries = re.findall(r"^- (.{40})", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert len(entries) > 20
    assert sorted({entry for entry in entries if entries.count(entry) > 1}) == []


def test_every_part_of_the_tests_has_an_environment() -> None:
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/*/**/test_*.py")}

    assert folders - environments() == set()
