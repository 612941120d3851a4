from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.dictionary import extended_dictionary


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dictionary"


def lines(file: Path, text: str) -> list[list[str]]:
    """Return the attributes of the extended dictionary, split into words."""
    file.write_text(text)
    found = extended_dictionary(file)
    assert found.startswith(text.rstrip("\n"))
    return [line.split()[1:] for line in found.splitlines() if line.startswith("ATTRIBUTE")]


def test_our_attributes_are_added(file: Path) -> None:
    assert lines(file, "") == [
        ["SMSOTP-Phone", "3400", "string"],
        ["SMSOTP-Result", "3401", "string"],
        ["SMSOTP-Client-Address", "3402", "string"],
        ["SMSOTP-Gateway", "3403", "string"],
        ["SMSOTP-Language", "3404", "string"],
        ["SMSOTP-Notify", "3405", "string"],
        ["SMSOTP-Site", "3406", "string"],
    ]


def test_a_missing_file_is_an_empty_one(file: Path) -> None:
    assert "SMSOTP-Phone" in extended_dictionary(file)


def test_numbers_that_are_taken_are_passed_over(file: Path) -> None:
    found = lines(file, "ATTRIBUTE Mine 3400 string\nATTRIBUTE Other 0xd4a integer\n")

    assert [number for _, number, _ in found] == [
        "3400",
        "0xd4a",
        "3401",
        "3403",
        "3404",
        "3405",
        "3406",
        "3407",
        "3408",
    ]


def test_numbers_of_included_files_are_passed_over(file: Path) -> None:
    file.with_name("dictionary.local").write_text("ATTRIBUTE Mine 3401 string\n$INCLUDE dictionary\n")

    found = lines(file, "$INCLUDE dictionary.local\n")

    assert [number for _, number, _ in found] == ["3400", "3402", "3403", "3404", "3405", "3406", "3407"]


def test_a_second_time_nothing_is_added(file: Path) -> None:
    file.write_text(extended_dictionary(file))

    assert extended_dictionary(file) == file.read_text()


def test_an_attribute_that_is_there_is_not_added(file: Path) -> None:
    found = lines(file, "ATTRIBUTE smsotp-phone 3000 String\n")

    assert [name for name, _, _ in found][:3] == ["smsotp-phone", "SMSOTP-Result", "SMSOTP-Client-Address"]


def test_an_attribute_of_another_type_is_a_problem(file: Path) -> None:
    file.write_text("ATTRIBUTE SMSOTP-Phone 3000 integer\n")

    with pytest.raises(ConfigError, match="SMSOTP-Phone is there with the type integer; it must be string"):
        extended_dictionary(file)


def test_no_free_number_is_a_problem(file: Path) -> None:
    file.write_text("".join(f"ATTRIBUTE A{number} {number} string\n" for number in range(3000, 3998)))

    with pytest.raises(ConfigError, match="no number from 3000 to 3999 is free"):
        extended_dictionary(file)


def test_bytes_that_are_not_utf8_are_kept(file: Path) -> None:
    file.write_bytes(b"# M\xfcller\n")

    assert extended_dictionary(file).encode(errors="surrogateescape").startswith(b"# M\xfcller\n\n#\n")
