from pathlib import Path

import pytest

from smsotp_plugin.errors import ConfigError
from smsotp_plugin.raddb.dictionary import (
    ATTRIBUTES,
    extend_dictionary,
    list_added_attributes,
    reduce_dictionary,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dictionary"


def content(file: Path) -> str | None:
    return file.read_text(errors="surrogateescape") if file.exists() else None


def lines(file: Path, text: str) -> list[list[str]]:
    """Return the attributes of the extended dictionary, split into words."""
    file.write_text(text)
    found = extend_dictionary(file, content(file))
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
        ["SMSOTP-Code", "3407", "string"],
        ["SMSOTP-Refusal", "3408", "string"],
    ]


def test_a_missing_file_is_an_empty_one(file: Path) -> None:
    assert "SMSOTP-Phone" in extend_dictionary(file, None)


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
        "3409",
        "3410",
    ]


def test_numbers_of_included_files_are_passed_over(file: Path) -> None:
    file.with_name("dictionary.local").write_text("ATTRIBUTE Mine 3401 string\n$INCLUDE dictionary\n")

    found = lines(file, "$INCLUDE dictionary.local\n")

    assert [number for _, number, _ in found] == ["3400", *(str(number) for number in range(3402, 3410))]


def test_a_second_time_nothing_is_added(file: Path) -> None:
    file.write_text(extend_dictionary(file, content(file)))

    assert extend_dictionary(file, content(file)) == file.read_text()


def test_an_attribute_that_is_there_is_not_added(file: Path) -> None:
    found = lines(file, "ATTRIBUTE smsotp-phone 3000 String\n")

    assert [name for name, _, _ in found][:3] == ["smsotp-phone", "SMSOTP-Result", "SMSOTP-Client-Address"]


def test_an_attribute_of_another_type_is_a_problem(file: Path) -> None:
    file.write_text("ATTRIBUTE SMSOTP-Phone 3000 integer\n")

    with pytest.raises(ConfigError, match="SMSOTP-Phone exists with the type integer; it must be string"):
        extend_dictionary(file, content(file))


def test_no_free_number_is_a_problem(file: Path) -> None:
    file.write_text("".join(f"ATTRIBUTE A{number} {number} string\n" for number in range(3000, 3998)))

    with pytest.raises(ConfigError, match="no number from 3000 to 3999 is free"):
        extend_dictionary(file, content(file))


def test_bytes_that_are_not_utf8_are_kept(file: Path) -> None:
    file.write_bytes(b"# M\xfcller\n")

    assert (
        extend_dictionary(file, content(file))
        .encode(errors="surrogateescape")
        .startswith(b"# M\xfcller\n\n#\n")
    )


@pytest.mark.parametrize("text", [None, "", "\n", "a", "a\n", "a\n\n", "a\n\n\n", "#\n", "# M\udcfcller"])
def test_what_was_added_can_be_taken_out_again_to_the_byte(file: Path, text: str | None) -> None:
    added = extend_dictionary(file, text)

    assert list_added_attributes(added) == [name for name, _ in ATTRIBUTES]
    assert reduce_dictionary(added) == text


def test_what_others_have_written_stays(file: Path) -> None:
    before = "ATTRIBUTE SMSOTP-Phone 3000 string\n"
    added = extend_dictionary(file, before) + "ATTRIBUTE Mine 3001 string\n"

    assert "SMSOTP-Phone" not in list_added_attributes(added)
    assert reduce_dictionary(added) == before + "ATTRIBUTE Mine 3001 string\n"


def test_a_file_that_was_made_and_added_to_stays_with_what_was_added(file: Path) -> None:
    added = extend_dictionary(file, None) + "ATTRIBUTE Mine 3001 string\n"

    assert (reduce_dictionary(added) or "").endswith("\nATTRIBUTE Mine 3001 string\n")


def test_attributes_of_a_later_version_join_those_that_are_there(file: Path) -> None:
    whole = extend_dictionary(file, "a\n") + "b\n"
    name, _ = ATTRIBUTES[-1]
    earlier = "".join(line for line in whole.splitlines(keepends=True) if f"\t{name} " not in line)

    assert extend_dictionary(file, earlier) == whole
    assert reduce_dictionary(whole) == "a\nb\n"
