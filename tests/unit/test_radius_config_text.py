from hypothesis import given
from hypothesis import strategies as st

from smsotp_plugin.radius.config_text import expand, read_text


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
