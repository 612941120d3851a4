"""The key file: made once, for its owner only, whole or not at all."""

import threading
from pathlib import Path

import pytest

from smsotp_plugin.codes import key_file
from smsotp_plugin.codes.key_file import load_or_make_keys
from smsotp_plugin.errors import ConfigError
from smsotp_plugin.settings import load_settings
from smsotp_plugin.settings.keys import load_keys


def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load_or_make_keys(path)
    (text,) = refused.value.problems
    return text


def test_the_first_start_makes_a_key_and_the_next_ones_read_it(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.key"

    made = load_or_make_keys(path)

    assert [len(key) for key in made] == [64]
    assert load_or_make_keys(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_is_made_beside_an_older_store_is_told_because_the_old_one_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "smsotp.toml"
    config.write_text(f"""
        [store]
        url = "sqlite://{tmp_path}/smsotp.db"
        [gateways.a]
        provider = "script"
        SCRIPT = "/bin/true"
    """)
    settings = load_settings(config)

    key = load_keys(settings)
    (tmp_path / "smsotp.db").touch()
    assert load_keys(settings) == key
    assert caplog.messages == []

    (tmp_path / "smsotp.key").unlink()
    assert load_keys(settings) != key
    assert load_keys(settings) != key
    (told,) = caplog.messages
    assert told.startswith(f"the key file {tmp_path}/smsotp.key was not there and has been made anew")


def test_two_keys_are_different(tmp_path: Path) -> None:
    assert load_or_make_keys(tmp_path / "a") != load_or_make_keys(tmp_path / "b")


def test_many_starts_at_once_get_one_key(tmp_path: Path) -> None:
    together = threading.Barrier(20)
    keys: list[tuple[bytes, ...]] = []

    def start() -> None:
        together.wait()
        keys.append(load_or_make_keys(tmp_path / "smsotp.key"))

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 20
    assert len(set(keys)) == 1


def test_a_key_of_the_administrator_is_taken_without_its_line_break(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")

    assert load_or_make_keys(path) == (b"0123456789abcdef0123456789abcdef",)


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"x" * 31])
def test_a_key_that_is_too_short_is_refused_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "smsotp.key"
    path.write_bytes(content)

    assert "holds no key of at least 32 characters" in problem(path)
    assert "xxx" not in problem(path)


def test_binary_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.key"
    path.write_bytes(b"\xff" * 64)

    assert "it is not text" in problem(path)


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    assert "No such file or directory; the directory must exist" in problem(tmp_path / "none" / "smsotp.key")


def test_only_a_key_that_is_made_by_itself_has_to_belong_to_the_servers_user(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        key_file.load_keys(tmp_path)

    assert "must be able to read it" in refused.value.problems[0]
    assert "belong" not in refused.value.problems[0]
    assert "belong to the user" in problem(tmp_path)


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    assert "Is a directory" in problem(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.key"
    path.write_bytes(b"\xef\xbb\xbf" + b"k" * 40 + b"\r\n")

    assert load_or_make_keys(path) == (b"k" * 40,)


def test_two_lines_are_the_present_key_and_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "smsotp.key"
    path.write_text(f"{'n' * 32}\n\n {'o' * 32} \r\n")

    assert load_or_make_keys(path) == (b"n" * 32, b"o" * 32)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["n" * 32, "o" * 32, "p" * 32], "holds 3 keys, one a line: keep the first 2"),
        (["n" * 32, "short"], "holds a second key of fewer than 32 characters: remove that line"),
        (["short", "n" * 32], "holds no key of at least 32 characters"),
        (["n" * 32, "n" * 32], "holds the same key twice: remove one of the lines"),
    ],
)
def test_what_cannot_be_two_keys_is_told_without_repeating_it(
    tmp_path: Path, lines: list[str], told: str
) -> None:
    path = tmp_path / "smsotp.key"
    path.write_text("\n".join(lines))

    assert told in problem(path)
    assert not any(line in problem(path) for line in lines)
