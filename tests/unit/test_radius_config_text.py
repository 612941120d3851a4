import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.radius.config_text import Section, expand, read_text


def test_assignments_and_sections_are_found() -> None:
    text = """
    prefix = /usr   # where
    sbindir = ${prefix}/sbin
    name = "free # radius"
    security {
        user = freerad
        listen auth {
            port = '0'
        }
    }
    after = yes
    """

    read = read_text(text)

    assert read.values == {
        "prefix": "/usr",
        "sbindir": "${prefix}/sbin",
        "name": "free # radius",
        "after": "yes",
    }
    assert [section.kind for section in read.sections] == ["security"]
    assert read.sections[0].values == {"user": "freerad"}
    assert [(found.name, found.values) for found in read.find("listen")] == [("auth", {"port": "0"})]


def test_conditions_are_sections_too() -> None:
    read = read_text("if (ok) {\nreject\n}\nelse {\n}\nif (&User-Name =~ /a{2}/) {\nlisten {\n}\n}\n")

    assert [section.kind for section in read.sections] == ["if", "else", "if"]
    assert [section.kind for section in read.find("listen")] == ["listen"]


def test_what_is_commented_out_is_not_there() -> None:
    assert read_text("#user = freerad\n#listen {\n").values == {}


def test_variables_are_expanded_in_variables() -> None:
    assert expand("${b}/x", {"a": "/usr", "b": "${a}/lib"}) == "/usr/lib/x"


def test_a_circle_of_variables_ends() -> None:
    assert expand("${a}", {"a": "${b}", "b": "${a}"})


@given(text=st.text(st.sampled_from("ab={}\"'#$\n \t./") | st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read(text: str) -> None:
    read_text(text)


def shape(section: Section) -> list[object]:
    """Return what a section holds, without places."""
    return [
        (item.kind, item.name, shape(item)) if isinstance(item, Section) else item.name
        for item in section.items
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {\nb\n}", [("a", "", ["b"])]),
        ("a { b\n c }", [("a", "", ["b", "c"])]),
        ("a {}\nb", [("a", "", []), "b"]),
        ('a "b c" {\n}', [("a", "b c", [])]),
        ("a {\nb # }\n}\nc", [("a", "", ["b"]), "c"]),
        ('if (&A == "}") {\nb\n}', [("if", '(&A == "}")', ["b"])]),
        ("if (&A =~ /a{2}}/) {\nb\n}", [("if", "(&A =~ /a{2}}/)", ["b"])]),
        ("if (&A && \\\n (&B)) {\nb\n}", [("if", "(&A &&  (&B))", ["b"])]),
        ("if ((&A) && ok) {\nb\n}\nelse {\nc\n}", [("if", "((&A) && ok)", ["b"]), ("else", "", ["c"])]),
        ("a {\nb\n} # c {\nd", [("a", "", ["b"]), "d"]),
        ("update {\n&reply: += &session-state:\n}", [("update", "", ["&reply:"])]),
        ("-sql\nattr_filter.access_reject", ["-sql", "attr_filter.access_reject"]),
        ("%{debug_attr:request:}\nb", ["%{debug_attr:request:}", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("# a \\\nb", ["b"]),
        ("}\na", ["a"]),
    ],
)
def test_text_is_read_as_freeradius_reads_it(text: str, expected: list[object]) -> None:
    assert shape(read_text(text)) == expected


def test_a_continued_line_has_the_number_of_its_first_part() -> None:
    read = read_text("\nif (&A && \\\n&B) {\n}\nb\n")

    assert [item.line for item in read.items] == [2, 5]
