"""Virtual servers as sites have them: right ones, whatever the words, and what the look tells about each."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsotp_plugin.radius.wiring import judge_wiring
from tests.support.wirings import (
    ASKS,
    DEFAULT,
    DEFAULT_WITHOUT,
    EAP,
    Edit,
    add,
    both,
    edit,
    judge,
    line,
    raddb,
    site,
)

__all__ = ["raddb"]

#: As Debian has it, without its comments.
INNER = """
server inner-tunnel {
listen {
	ipaddr = 127.0.0.1
	port = 18120
	type = auth
}
authorize {
	files
	pap
}
authenticate {
	Auth-Type PAP {
		pap
	}
}
post-auth {
	Post-Auth-Type REJECT {
		attr_filter.access_reject
	}
}
}
"""

#: What a virtual server is made of.
WORDS = (
    *(
        "authorize {\n",
        "authenticate {\n",
        "post-auth {\n",
        "Auth-Type PAP {\n",
        "if (ok) {\n",
        "else {\n",
        "}\n",
    ),
    *(
        "smsotp_guard\n",
        "smsotp_authorize\n",
        "smsotp_challenge\n",
        "smsotp_post_auth\n",
        "pap\n",
        "ok = return\n",
    ),
    *(
        "redundant {\n",
        "switch &A {\n",
        "case {\n",
        "update control {\n",
        "&Auth-Type := Accept\n",
        "return\n",
    ),
)

PAP = "\t\t\tpap\n"
UPDATE = "\t\t\tupdate reply {\n\t\t\t\t&Class := 1\n\t\t\t}\n"

#: Right, in other words.
RIGHT: dict[str, Edit] = {
    "as it is shipped": lambda _: None,
    "the documented lines in Debian's": lambda raddb: (raddb / "sites-enabled/smsotp").write_text(DEFAULT),
    "two sites": lambda raddb: (raddb / "sites-enabled/second").write_text(DEFAULT),
    "inner-tunnel without ours": both(add("sites-enabled/inner-tunnel", INNER), add("mods-enabled/eap", EAP)),
    "another site for machines": lambda raddb: (raddb / "sites-enabled/machines").write_text(DEFAULT_WITHOUT),
    "LDAP as documented": site(
        "\t\tAuth-Type EAP {", "\t\tAuth-Type LDAP {\n" + ASKS.replace("pap", "ldap") + "\t\t}\n\t\tAuth-Type EAP {"
    ),
    "two directories": site(ASKS, ASKS.replace("\t\t\tpap\n", "\t\t\tredundant {\n\t\t\t\tldap1\n\t\t\t\tldap2\n\t\t\t}\n")),
    "two directories, each of which ends the block": site(
        ASKS,
        ASKS.replace(
            "\t\t\tpap\n", "\t\t\tgroup {\n\t\t\t\tldap1 {\n\t\t\t\t\tok = return\n\t\t\t\t\treject = 1\n\t\t\t\t}\n\t\t\t\tldap2\n\t\t\t}\n"
        ),
    ),
    "a rejection without a password, but for answers": site(
        "\t\tfiles\n", "\t\tif (!&User-Password && !&State) {\n\t\t\treject\n\t\t}\n\t\tfiles\n"
    ),
    "a return for wrong passwords": site(
        ASKS, ASKS.replace("\t\t\tif (ok)", "\t\t\tif (reject || notfound) {\n\t\t\t\treturn\n\t\t\t}\n\t\t\tif (ok)")
    ),
    "a source of users that ends its block": site(
        "\t\tfiles\n", "\t\tgroup {\n\t\t\tfiles {\n\t\t\t\tok = return\n\t\t\t}\n\t\t\tsql\n\t\t}\n"
    ),
    "a source of users that says what ends authorize anyway": site(
        "\t\tfiles\n", "\t\tfiles {\n\t\t\treject = return\n\t\t\tfail = return\n\t\t}\n"
    ),
    "a module leaves nothing to a default": site(PAP, "\t\t\tpap {\n\t\t\t\tdefault = return\n\t\t\t}\n"),
    "two first factors, both right": site(
        ASKS, "\t\t\tpap\n\t\t\tif (!ok) {\n\t\t\t\treject\n\t\t\t}\n\t\t\tldap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"
    ),
    "the other way round": site(
        ASKS, "\t\t\tpap\n\t\t\tif (!ok) {\n\t\t\t\treject\n\t\t\t}\n\t\t\telse {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"
    ),
    "a condition before that for ok": site(
        "\t\t\tif (ok) {", "\t\t\tif (reject) {\n\t\t\t\treject\n\t\t\t}\n\t\t\telsif (updated || ok) {"
    ),
    "another first factor for those whom the first does not know": site(
        ASKS,
        ASKS.replace("\t\t\telse {\n\t\t\t\treject\n", "\t\t\telsif (notfound) {\n\t\t\t\tldap\n\t\t\t\tif (ok) {\n\t\t\t\t\tsmsotp_challenge\n\t\t\t\t}\n"),
    ),
    "a code for some, and a rejection for the others": site(
        "\t\t\t\tsmsotp_challenge\n",
        "\t\t\t\tif (&LDAP-Group == vpn) {\n\t\t\t\t\tsmsotp_challenge\n\t\t\t\t}\n\t\t\t\telse {\n\t\t\t\t\treject\n\t\t\t\t}\n",
    ),
    "a module after an ok, whose ok counts": site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\tlinelog\n\t\t\t\tsmsotp_challenge\n"),
    "attributes that are set before the first factor": site(PAP, UPDATE + PAP),
    "attributes that are set in a block with the first factor": site(PAP, "\t\t\tgroup {\n" + PAP + UPDATE + "\t\t\t}\n"),
    "attributes that are set before a challenge without a condition": site(ASKS, PAP + UPDATE + "\t\t\tsmsotp_challenge\n"),
    "attributes that are set for wrong passwords": site(PAP, PAP + "\t\t\tif (reject) {\n" + UPDATE + "\t\t\t}\n"),
    "the challenge again": site(ASKS, ASKS + "\t\t\tsmsotp_challenge\n"),
    "Auth-Type is set after authorize where there is none": site(
        "\t\tsmsotp_authorize\n", "\t\tsmsotp_authorize\n\t\tupdate control {\n\t\t\t&Auth-Type = LDAP\n\t\t}\n"
    ),
    "an Autz-Type that sets Auth-Type for passwords": site(
        "\t\tsmsotp_authorize\n",
        "\t\tsmsotp_authorize\n\t\tAutz-Type x {\n\t\t\tldap\n\t\t\tif ((ok || updated) && User-Password) {\n\t\t\t\tupdate {\n"
        "\t\t\t\t\tcontrol:Auth-Type := ldap\n\t\t\t\t}\n\t\t\t}\n\t\t}\n",
    ),
    "the challenge directly after one first factor": site(ASKS, "\t\t\tpap\n\t\t\tsmsotp_challenge\n"),
    "without the else": site("\t\t\telse {\n\t\t\t\treject\n\t\t\t}\n", ""),
    "the same site inside of EAP, too": both(
        add("mods-enabled/eap", EAP.replace("inner-tunnel", "smsotp")), site("ipaddr = 127.0.0.1", "ipaddr = *")
    ),
    "in a group": site("\t\tsmsotp_post_auth\n", "\t\tgroup {\n\t\t\tsmsotp_post_auth\n\t\t}\n"),
    "in both branches": site(
        "\t\tsmsotp_post_auth\n",
        "\t\tif (&Realm) {\n\t\t\tsmsotp_post_auth\n\t\t}\n\t\telse {\n\t\t\tsmsotp_post_auth\n\t\t}\n",
    ),
    "called by another name": both(
        add("policy.d/mine", "lock {\n\tsmsotp_post_auth\n}\nask {\n\tpap\n\tif (ok) {\n\t\tsmsotp_challenge\n\t}\n}\n"),
        site("\t\tsmsotp_post_auth\n", "\t\tlock\n"),
        site(ASKS, "\t\t\task\n"),
    ),
    "policies for one kind of list": both(
        add(
            "policy.d/mine",
            "lock.post-auth {\n\tsmsotp_post_auth\n}\npap.authenticate {\n\tpap\n\tif (ok) {\n\t\tsmsotp_challenge\n\t}\n}\n",
        ),
        site("\t\tsmsotp_post_auth\n", "\t\tlock\n"),
        site(ASKS, "\t\t\tpap\n"),
    ),
    "a policy with a kind before its name": both(
        add("policy.d/mine", "group ask {\n\tpap\n\tif (ok) {\n\t\tsmsotp_challenge\n\t}\n}\n"), site(ASKS, "\t\t\task\n")
    ),
    "a virtual module of two directories": both(
        add("radiusd.conf", "instantiate {\n\tredundant either {\n\t\tldap1\n\t\tldap2\n\t}\n}\n"),
        site(ASKS, "\t\t\teither\n\t\t\tsmsotp_challenge\n"),
    ),
    "an Auth-Type again, which does not count": site(
        "\t\tAuth-Type EAP {", "\t\tpap\n\t\tAuth-Type EAP {"
    ),
    "continued lines and quotes": site(
        "\t\tsmsotp_post_auth\n",
        '\t\tsmsotp_post_auth\n\t\tif (&Realm && \\\n\t\t    (&User-Name != "}")) {\n\t\t\tnoop # }\n\t\t}\n',
    ),
    "in a file that is included": both(
        add("lock.conf", "smsotp_post_auth\n"),
        site("\t\tsmsotp_post_auth\n", "\t\t$INCLUDE ${confdir}/lock.conf\n"),
    ),
    "an optional file that is not there": add("sites-enabled/smsotp", "$-INCLUDE more.conf\n"),
    "an attribute is updated before the lock": site(
        "\t\tsmsotp_post_auth\n", "\t\tupdate reply {\n\t\t\t&Class := 1\n\t\t}\n\t\tsmsotp_post_auth\n"
    ),
    "the module sends notifications": site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_post_auth\n\t\tsmsotp\n"),
    "a Post-Auth-Type that asks for the code, too": both(
        site("Post-Auth-Type REJECT {", "Post-Auth-Type mine {\n\t\t\tsmsotp_post_auth\n\t\t}\n\t\tPost-Auth-Type REJECT {"),
        add("mods-config/files/authorize", "anna Cleartext-Password := x, Post-Auth-Type := mine\n"),
    ),
    "Auth-Type := Accept with the lock": add("mods-config/files/authorize", "open Auth-Type := Accept\n"),
    "comments that name everything": add("sites-enabled/smsotp", "# server x { post-auth { return } }\n"),
    "a client that leads to a site without a port": both(
        site("\tlisten {\n\t\ttype = auth\n\t\tipaddr = 127.0.0.1\n\t\tport = 1812\n\t}\n", ""),
        edit("clients.conf", "secret", "virtual_server = smsotp\n\tsecret"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_wiring_is_right(raddb: Path, what: str) -> None:
    RIGHT[what](raddb)

    judged = judge(raddb)

    assert [str(problem) for problem in judged.problems] == []
    assert judged.unread == []
    assert judged.begun


UNIFORM = site("\t\tsmsotp_sign_reply\n", "\t\tsmsotp_sign_reply\n\t\tsmsotp_uniform\n")
DELAY = add("radiusd.conf", "security {\n\treject_delay = 1\n}\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (DELAY, "smsotp_uniform is not called in Post-Auth-Type REJECT"),
        (both(DELAY, site("Post-Auth-Type REJECT", "Post-Auth-Type Other")), "smsotp_uniform is not called"),
        (
            both(
                DELAY,
                site(
                    "\t\tsmsotp_sign_reply\n",
                    "\t\tif (&User-Name) {\n\t\t\tsmsotp_uniform\n\t\t}\n\t\tsmsotp_sign_reply\n",
                ),
            ),
            "smsotp_uniform is not always called",
        ),
        (UNIFORM, "reject_delay is 0 s, and smsotp_uniform needs 1 s at least"),
        (
            both(UNIFORM, add("radiusd.conf", "security {\n\treject_delay = 0.5\n}\n")),
            "reject_delay is 0.5 s",
        ),
    ],
)
def test_rejections_that_are_to_look_alike_and_do_not_are_told(raddb: Path, change: Edit, told: str) -> None:
    change(raddb)

    judged = judge_wiring(raddb / "radiusd.conf", uniform=True)

    (found,) = judged.uneven
    assert told in found.what
    assert "challenge.uniform is true" in found.means
    assert found.lines
    assert judge(raddb).uneven == []


@pytest.mark.parametrize("delay", ["1", "2.5", "${delay}"])
def test_rejections_that_look_alike_are_right(raddb: Path, delay: str) -> None:
    both(UNIFORM, add("radiusd.conf", f"security {{\n\treject_delay = {delay}\n}}\n"))(raddb)

    judged = judge_wiring(raddb / "radiusd.conf", uniform=True)

    assert (judged.problems, judged.uneven) == ([], [])


def test_the_table_shows_where_each_policy_is_called(raddb: Path) -> None:
    (row,) = judge(raddb).rows

    assert (row.site, row.ways) == ("smsotp", "127.0.0.1:1812")
    assert row.cells == {
        "smsotp_guard": f"line {line('smsotp_guard')}",
        "smsotp_authorize": f"line {line('smsotp_authorize')}",
        "smsotp_challenge": "PAP",
        "smsotp_post_auth": f"line {line('smsotp_post_auth')}",
        "smsotp_sign_reply": f"line {line('smsotp_sign_reply')}",
    }


def test_a_site_that_asks_for_no_code_is_noted_beside_one_that_does(raddb: Path) -> None:
    (raddb / "sites-enabled/machines").write_text(DEFAULT_WITHOUT)

    (note,) = judge(raddb).notes

    assert "the virtual server default (*:1812) asks for no code: the password alone lets people in" in note


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("127.0.0.1", False),
        ("127.8.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("192.0.2.1", True),
        ("localhost.example.org", True),
        ("127.example.org", True),
    ],
)
def test_a_server_inside_of_eap_that_listens_on_the_machine_alone_is_not_reached_by_clients(
    raddb: Path, address: str, reached: object
) -> None:
    inner = INNER.replace("ipaddr = 127.0.0.1", f"ipaddr = {address}")
    both(add("sites-enabled/inner-tunnel", inner), add("mods-enabled/eap", EAP))(raddb)

    notes = [note for note in judge(raddb).notes if "the virtual server inner-tunnel (" in note]

    assert bool(notes) is reached


def test_a_site_that_nothing_leads_to_is_noted(raddb: Path) -> None:
    (raddb / "sites-enabled/second").write_text(DEFAULT.replace("type = auth", "type = status"))

    (note,) = judge(raddb).notes

    assert "nothing leads to the virtual server default" in note


def test_the_type_of_a_listener_may_be_in_capitals(raddb: Path) -> None:
    (raddb / "sites-enabled/machines").write_text(DEFAULT_WITHOUT.replace("type = auth", "type = Auth"))

    (note,) = judge(raddb).notes

    assert "the virtual server default (*:1812) asks for no code" in note


def test_files_that_include_each_other_are_told(raddb: Path) -> None:
    add("sites-enabled/smsotp", "$INCLUDE smsotp\n")(raddb)

    assert any("files include each other in a circle" in sentence for sentence in judge(raddb).unread)


def test_a_file_that_is_included_and_not_there_is_told(raddb: Path) -> None:
    add("sites-enabled/smsotp", "$INCLUDE more.conf\n")(raddb)

    (sentence,) = judge(raddb).unread

    assert sentence.endswith("sites-enabled/more.conf cannot be read: No such file or directory")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from("aif(ok)&={}\"'#$\n \t./-") | st.sampled_from(WORDS), max_size=60).map(
        "".join
    )
)
def test_any_virtual_server_is_judged(raddb: Path, text: str) -> None:
    (raddb / "sites-enabled/any").write_text(f"server any {{\n{text}\n", errors="surrogateescape")

    judge(raddb)


def test_conditions_that_are_nested_deeply_are_read_once(raddb: Path) -> None:
    site(ASKS, "if (&NAS-Port) {\n" * 40 + "pap\nsmsotp_challenge\n" + "}\n" * 40)(raddb)

    assert judge(raddb).problems == []


def test_policies_that_call_each_other_do_not_hang_the_look(raddb: Path) -> None:
    add("policy.d/mine", "a {\n\tb\n}\nb {\n\ta\n}\n")(raddb)
    site("\t\tfiles\n", "\t\tfiles\n\t\ta\n")(raddb)

    assert judge(raddb).begun
