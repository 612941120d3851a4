"""Wrong wirings, each made of the shipped virtual server by one edit, and what is said of it; right ones, too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsotp_plugin.raddb.render import render_module, render_policy, render_site
from smsotp_plugin.raddb.tree import read_listener
from smsotp_plugin.radius.wiring import Wiring, judge_wiring

Edit = Callable[[Path], object]

MAIN = """
confdir = {raddb}
modconfdir = ${{confdir}}/mods-config
modules {{
	$INCLUDE mods-enabled/
}}
policy {{
	$INCLUDE policy.d/
}}
$INCLUDE clients.conf
$INCLUDE sites-enabled/
"""
FILES = "files {\n\tmoddir = ${modconfdir}/${.:instance}\n\tfilename = ${moddir}/authorize\n}\n"
EAP = "eap {\n\tttls {\n\t\tvirtual_server = inner-tunnel\n\t}\n}\n"
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
#: The documented lines in a virtual server such as Debian's.
DEFAULT = """
server default {
listen {
	type = auth
	ipaddr = *
	port = 0
}
listen {
	ipaddr = *
	port = 0
	type = acct
}
authorize {
	smsotp_guard
	filter_username
	preprocess
	chap
	mschap
	eap {
		ok = return
	}
	files
	-sql
	-ldap
	expiration
	pap
	smsotp_authorize
	Autz-Type New-TLS-Connection {
		ok
	}
}
authenticate {
	Auth-Type PAP {
		pap
		if (ok) {
			smsotp_challenge
		}
		else {
			reject
		}
	}
	Auth-Type CHAP {
		chap
	}
	Auth-Type MS-CHAP {
		mschap
	}
	mschap
	digest
	eap
}
accounting {
	detail
}
post-auth {
	smsotp_post_auth
	if (session-state:User-Name && reply:User-Name) {
		update reply {
			&User-Name !* ANY
		}
	}
	update {
		&reply: += &session-state:
	}
	-sql
	exec
	Post-Auth-Type REJECT {
		-sql
		attr_filter.access_reject
		eap
		smsotp_sign_reply
	}
	Post-Auth-Type Challenge {
	}
}
}
"""


@pytest.fixture
def raddb(tmp_path: Path) -> Path:
    """Give a configuration whose only virtual server is the shipped one."""
    for name in ("mods-enabled", "policy.d", "sites-enabled", "mods-config/files"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "radiusd.conf").write_text(MAIN.format(raddb=tmp_path))
    (tmp_path / "clients.conf").write_text(
        "client localhost {\n\tipaddr = 127.0.0.1\n\tsecret = testing123\n}\n"
    )
    (tmp_path / "mods-enabled/smsotp-plugin").write_text(
        render_module(Path("/etc/smsotp/smsotp.toml"), [Path("/opt")])
    )
    (tmp_path / "mods-enabled/files").write_text(FILES)
    (tmp_path / "mods-config/files/authorize").write_text(
        'bob Cleartext-Password := "hello"\n\tReply-Message = "x"\n'
    )
    (tmp_path / "policy.d/smsotp").write_text(render_policy())
    (tmp_path / "sites-enabled/smsotp").write_text(render_site(read_listener("127.0.0.1:1812")))
    return tmp_path


def judge(raddb: Path) -> Wiring:
    return judge_wiring(raddb / "radiusd.conf")


def site(old: str, new: str) -> Edit:
    """Return an edit of the shipped virtual server."""
    return edit("sites-enabled/smsotp", old, new)


def edit(name: str, old: str, new: str) -> Edit:
    def change(raddb: Path) -> None:
        file = raddb / name
        text = file.read_text()
        assert old in text, text
        file.write_text(text.replace(old, new))

    return change


def add(name: str, text: str) -> Edit:
    def change(raddb: Path) -> None:
        file = raddb / name
        file.write_text((file.read_text() if file.exists() else "") + text)

    return change


def remove(name: str) -> Edit:
    return lambda raddb: (raddb / name).unlink()


def both(*edits: Edit) -> Edit:
    def change(raddb: Path) -> None:
        for one in edits:
            one(raddb)

    return change


def moved_into_inner_tunnel(raddb: Path) -> None:
    """Have the policies stand in the virtual server inside of EAP, and in no other."""
    file = raddb / "sites-enabled/smsotp"
    (raddb / "sites-enabled/inner-tunnel").write_text(
        file.read_text().replace("server smsotp", "server inner-tunnel")
    )
    file.write_text(DEFAULT_WITHOUT)
    add("mods-enabled/eap", EAP)(raddb)


SHIPPED = render_site(read_listener("127.0.0.1:1812"))


def line(word: str) -> int:
    """Return where a word stands by itself in the shipped virtual server."""
    return [text.strip() for text in SHIPPED.splitlines()].index(word) + 1


#: Lines of the shipped virtual server.
ASKS = (
    "\t\t\tpap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n\t\t\telse {\n\t\t\t\treject\n\t\t\t}\n"
)
DEFAULT_WITHOUT = "\n".join(line for line in DEFAULT.splitlines() if "smsotp_" not in line).replace(
    "\t\tif (ok) {\n\t\t}\n\t\telse {\n\t\t\treject\n\t\t}\n", ""
)
PASSWORD_ALONE = "the password alone lets people in"
WITHOUT_CODE = "gets in without one"

#: What is changed, and parts of the sentence that tells it.
WRONG: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "challenge and post-auth forgotten": (
        both(site(ASKS, "\t\t\tpap\n"), site("\t\tsmsotp_post_auth\n", "")),
        ("smsotp_post_auth is not called in post-auth", PASSWORD_ALONE),
    ),
    "all five forgotten": (
        lambda raddb: (raddb / "sites-enabled/smsotp").write_text(DEFAULT_WITHOUT),
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "all five in inner-tunnel": (
        moved_into_inner_tunnel,
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "all five in inner-tunnel, told there": (
        moved_into_inner_tunnel,
        ("virtual server inner-tunnel: smsotp_challenge is called in authenticate, Auth-Type PAP inside of EAP",),
    ),
    "the site is not enabled": (
        both(remove("sites-enabled/smsotp"), add("sites-enabled/default", DEFAULT_WITHOUT)),
        ("no virtual server that clients reach calls smsotp_post_auth (default)", PASSWORD_ALONE),
    ),
    "no virtual server at all": (
        remove("sites-enabled/smsotp"),
        ("no virtual server that clients reach calls smsotp_post_auth (there is none)",),
    ),
    "post-auth forgotten": (
        site("\t\tsmsotp_post_auth\n", ""),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE, "`Auth-Type := Accept` in the users file"),
    ),
    "post-auth commented out": (
        site("\t\tsmsotp_post_auth\n", "\t\t# smsotp_post_auth\n"),
        (f"smsotp_post_auth is not called in post-auth (line {line('smsotp_post_auth')} is commented out)", WITHOUT_CODE),
    ),
    "no post-auth section": (
        site("post-auth {", "accounting {"),
        ("it has no post-auth, where smsotp_post_auth has to be called", WITHOUT_CODE),
    ),
    "post-auth in a condition": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (&NAS-IP-Address == 192.0.2.1) {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `if (&NAS-IP-Address == 192.0.2.1)`, not always", WITHOUT_CODE),
    ),
    "post-auth in an else": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (&State) {\n\t\tnoop\n\t\t}\n\t\telse {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `else`, not always",),
    ),
    "post-auth in a switch without default": (
        site("\t\tsmsotp_post_auth\n", "\t\tswitch &NAS-Identifier {\n\t\tcase vpn {\n\t\tsmsotp_post_auth\n\t\t}\n\t\t}\n"),
        ("smsotp_post_auth is called only in `case vpn`, not always",),
    ),
    "post-auth as the second of a redundant": (
        site("\t\tsmsotp_post_auth\n", "\t\tredundant {\n\t\tsql\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is called only in `redundant`, not always",),
    ),
    "post-auth in a condition that never holds": (
        site("\t\tsmsotp_post_auth\n", "\t\tif (0) {\n\t\tsmsotp_post_auth\n\t\t}\n"),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth in Post-Auth-Type REJECT only": (
        both(site("\t\tsmsotp_post_auth\n", ""), site("Post-Auth-Type REJECT {", "Post-Auth-Type REJECT {\n\t\tsmsotp_post_auth")),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth after a return": (
        site("\t\tsmsotp_post_auth\n", "\t\treturn\n\t\tsmsotp_post_auth\n"),
        ("smsotp_post_auth is never reached, because post-auth ends before it", WITHOUT_CODE),
    ),
    "post-auth not first": (
        site("\t\tsmsotp_post_auth\n", "\t\texec\n\t\tsmsotp_post_auth\n"),
        (f"smsotp_post_auth is not the first in post-auth, exec (line {line('smsotp_post_auth')}) stands before it",),
    ),
    "post-auth with a minus": (
        site("\t\tsmsotp_post_auth\n", "\t\t-smsotp_post_auth\n"),
        ("-smsotp_post_auth has a - in front of it", "passes over it in silence"),
    ),
    "post-auth with a minus is no post-auth": (
        site("\t\tsmsotp_post_auth\n", "\t\t-smsotp_post_auth\n"),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "post-auth goes on after a reject": (
        site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_post_auth {\n\t\t\treject = 1\n\t\t}\n"),
        ("`reject = 1` changes what follows from smsotp_post_auth",),
    ),
    "a group goes on after a reject": (
        site("\t\tsmsotp_post_auth\n", "\t\tgroup {\n\t\t\tsmsotp_post_auth\n\t\t\treject = noop\n\t\t}\n"),
        ("`reject = noop` changes what follows from smsotp_post_auth",),
    ),
    "post-auth in authorize": (
        both(site("\t\tsmsotp_post_auth\n", ""), site("\t\tpap\n\t\tsmsotp_authorize", "\t\tpap\n\t\tsmsotp_post_auth\n\t\tsmsotp_authorize")),
        ("smsotp_post_auth is called in authorize", "it belongs into post-auth"),
    ),
    "a typing mistake": (
        site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_postauth\n"),
        ("smsotp_postauth is called, but there is no such policy", "FreeRADIUS does not start"),
    ),
    "a policy of the site that nobody calls": (
        both(add("policy.d/mine", "my_lock {\n\tsmsotp_post_auth\n}\n"), site("\t\tsmsotp_post_auth\n", "")),
        ("smsotp_post_auth is not called in post-auth", WITHOUT_CODE),
    ),
    "a policy of the site with a condition": (
        both(
            add("policy.d/mine", "my_lock {\n\tif (&NAS-Identifier) {\n\t\tsmsotp_post_auth\n\t}\n}\n"),
            site("\t\tsmsotp_post_auth\n", "\t\tmy_lock\n"),
        ),
        ("smsotp_post_auth is called only in `if (&NAS-Identifier)`, not always", "policy.d/mine:3"),
    ),
    "authorize forgotten": (
        site("\t\tsmsotp_authorize\n", ""),
        ("smsotp_authorize is not called in authorize", "the code goes on as if it were a password, to pap"),
    ),
    "authorize commented out": (
        site("\t\tsmsotp_authorize\n", "#\t\tsmsotp_authorize\n"),
        (f"smsotp_authorize is not called in authorize (line {line('smsotp_authorize')} is commented out)",),
    ),
    "authorize before the first factor": (
        both(site("\t\tsmsotp_authorize\n", "\t\tldap\n"), site("\t\tfiles\n", "\t\tsmsotp_authorize\n\t\tfiles\n")),
        ("smsotp_authorize is not the last in authorize", "stand after it", "lock the account"),
    ),
    "Auth-Type set after authorize": (
        site("\t\tsmsotp_authorize\n", "\t\tsmsotp_authorize\n\t\tupdate control {\n\t\t\t&Auth-Type := LDAP\n\t\t}\n"),
        ("smsotp_authorize is not the last in authorize, Auth-Type is set in",),
    ),
    "authorize for some only": (
        site("\t\tsmsotp_authorize\n", "\t\tif (&Realm) {\n\t\t\tsmsotp_authorize\n\t\t}\n"),
        ("smsotp_authorize is called only in `if (&Realm)`, not always",),
    ),
    "files ends authorize": (
        site("\t\tfiles\n", "\t\tfiles {\n\t\t\tok = return\n\t\t}\n"),
        ("`ok = return` of files ends authorize before smsotp_authorize", "as if it were a password"),
    ),
    "a return ends authorize": (
        site("\t\tfiles\n", "\t\tfiles\n\t\tif (&Realm) {\n\t\t\treturn\n\t\t}\n"),
        ("`return` ends authorize before smsotp_authorize",),
    ),
    "authorize in authenticate": (
        both(site("\t\tsmsotp_authorize\n", ""), site("\t\t\tpap\n", "\t\t\tpap\n\t\t\tsmsotp_authorize\n")),
        ("smsotp_authorize is called in authenticate, Auth-Type PAP", "it belongs into authorize"),
    ),
    "no authorize section": (
        site("\tauthorize {", "\tpreacct {"),
        ("it has no authorize, where smsotp_guard has to be called",),
    ),
    "guard forgotten": (
        site("\t\tsmsotp_guard\n", ""),
        ("smsotp_guard is not called in authorize", "may see another name than the plugin does"),
    ),
    "guard not first": (
        both(site("\t\tsmsotp_guard\n", ""), site("\t\tpap\n\t\tsmsotp_authorize", "\t\tpap\n\t\tsmsotp_guard\n\t\tsmsotp_authorize")),
        (f"smsotp_guard is not the first in authorize, files, -expiration, -logintime, pap (line {line('files') - 1}) stand before",),
    ),
    "guard for some only": (
        site("\t\tsmsotp_guard\n", "\t\tif (&NAS-Port) {\n\t\t\tsmsotp_guard\n\t\t}\n"),
        ("smsotp_guard is called only in `if (&NAS-Port)`, not always",),
    ),
    "challenge forgotten": (
        site(ASKS, "\t\t\tpap\n"),
        ("no Auth-Type calls smsotp_challenge", "nobody can log in"),
    ),
    "challenge commented out": (
        site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\t#smsotp_challenge\n"),
        (f"no Auth-Type calls smsotp_challenge (line {line('smsotp_challenge')} is commented out)",),
    ),
    "challenge in post-auth": (
        both(site(ASKS, "\t\t\tpap\n"), site("\t\tsmsotp_post_auth\n", "\t\tsmsotp_post_auth\n\t\tsmsotp_challenge\n")),
        ("smsotp_challenge is called in post-auth", "it belongs into authenticate"),
    ),
    "another Auth-Type without challenge": (
        site("\t\tAuth-Type EAP {", "\t\tAuth-Type LDAP {\n\t\t\tldap\n\t\t}\n\t\tAuth-Type EAP {"),
        ("Auth-Type LDAP does not call smsotp_challenge after ldap", "is rejected by smsotp_post_auth"),
    ),
    "a module by itself without challenge": (
        site("\t\tAuth-Type EAP {", "\t\tldap\n\t\tAuth-Type EAP {"),
        ("Auth-Type ldap does not call smsotp_challenge after ldap",),
    ),
    "challenge before the first factor": (
        site(ASKS, "\t\t\tsmsotp_challenge\n\t\t\tpap\n"),
        ("smsotp_challenge in Auth-Type PAP stands where no first factor has said ok",),
    ),
    "challenge without a first factor": (
        site(ASKS, "\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP stands where no first factor has said ok",),
    ),
    "challenge after nothing but ok": (
        site(ASKS, "\t\t\tok\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("stands after ok only, so that no password is asked for",),
    ),
    "challenge in an else": (
        site(ASKS, "\t\t\tpap\n\t\t\tif (fail) {\n\t\t\t\treject\n\t\t\t}\n\t\t\telse {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP stands in `else`, but has to stand in `if (ok)`",),
    ),
    "challenge for some only": (
        site("if (ok) {", "if (ok && &Realm) {"),
        ("smsotp_challenge in Auth-Type PAP stands in `if (ok && &Realm)`, but has to stand in `if (ok)`",),
    ),
    "challenge in a redundant": (
        site(ASKS, "\t\t\tpap\n\t\t\tredundant {\n\t\t\t\tsmsotp_challenge\n\t\t\t\tok\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type PAP stands in `redundant`, which does not always call it",),
    ),
    "challenge after one of two": (
        site(ASKS, "\t\t\tpap\n\t\t\tldap\n\t\t\tsmsotp_challenge\n"),
        ("is called when any one of pap, ldap says ok, because no `if (ok)` stands around it",),
    ),
    "challenge outside of any Auth-Type": (
        site("\t\tAuth-Type EAP {", "\t\tsmsotp_challenge\n\t\tAuth-Type EAP {"),
        ("stands outside of any Auth-Type",),
    ),
    "challenge after EAP": (
        site("\t\tAuth-Type EAP {\n\t\t\treject\n", "\t\tAuth-Type EAP {\n\t\t\teap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"),
        ("smsotp_challenge in Auth-Type EAP stands after eap, which has no place for a code",),
    ),
    "the module itself in the place of the policy": (
        site("\t\t\t\tsmsotp_challenge\n", "\t\t\t\tsmsotp\n"),
        ("the module smsotp is called by itself in authenticate, Auth-Type PAP",),
    ),
    "no authenticate section": (
        site("\tauthenticate {", "\tsession {"),
        ("it has no authenticate, where smsotp_challenge has to be called",),
    ),
    "sign_reply forgotten": (
        site("\t\t\tsmsotp_sign_reply\n", ""),
        ("smsotp_sign_reply is not called in Post-Auth-Type REJECT", "carry no Message-Authenticator"),
    ),
    "no Post-Auth-Type REJECT": (
        site("Post-Auth-Type REJECT", "Post-Auth-Type Client-Lost"),
        ("there is no Post-Auth-Type REJECT with smsotp_sign_reply",),
    ),
    "sign_reply before the filter": (
        site("-attr_filter.access_reject\n\t\t\tsmsotp_sign_reply", "smsotp_sign_reply\n\t\t\t-attr_filter.access_reject"),
        (f"smsotp_sign_reply is not the last, -attr_filter.access_reject (line {line('-attr_filter.access_reject') + 1}) stands after",),
    ),
    "Post-Auth-Type in the users file": (
        add("mods-config/files/authorize", "open Auth-Type := Accept, Post-Auth-Type := REJECT\n"),
        ("mods-config/files/authorize:3: control:Post-Auth-Type is set to REJECT", "people get in without a code"),
    ),
    "Post-Auth-Type in unlang": (
        site("\t\tfiles\n", "\t\tfiles\n\t\tupdate control {\n\t\t\t&Post-Auth-Type := REJECT\n\t\t}\n"),
        (f"sites-enabled/smsotp:{line('files') + 2}: control:Post-Auth-Type is set to REJECT",),
    ),
    "Post-Auth-Type in a policy": (
        both(
            add("policy.d/mine", "mine {\n\tupdate {\n\t\t&control:Post-Auth-Type := 'mine'\n\t}\n}\n"),
            site("\t\tfiles\n", "\t\tfiles\n\t\tmine\n"),
        ),
        ("policy.d/mine:3: control:Post-Auth-Type is set to mine",),
    ),
    "module not enabled": (
        remove("mods-enabled/smsotp-plugin"),
        ("the module smsotp is not enabled",),
    ),
    "policies not there": (
        remove("policy.d/smsotp"),
        ("the policy smsotp_post_auth is not there",),
    ),
    "policy defined twice": (
        add("policy.d/z", "smsotp_post_auth {\n\tok\n}\n"),
        ("the policy smsotp_post_auth is there a second time", "which of them is called is not certain"),
    ),
    "Post-Auth-Type in a users file that is included": (
        both(
            add("mods-config/files/authorize", "$INCLUDE more\n"),
            add("mods-config/files/more", "DEFAULT Auth-Type := Accept, Post-Auth-Type := REJECT\n"),
        ),
        ("mods-config/files/more:1: control:Post-Auth-Type is set to REJECT",),
    ),
    "another spelling": (
        site("\t\tsmsotp_post_auth\n", "\t\tSMSOTP-post-auth\n"),
        ("SMSOTP-post-auth is called, but there is no such policy",),
    ),
    "challenge for more than ok": (
        site("if (ok) {", "if (ok || fail) {"),
        ("stands in `if (ok || fail)`, but has to stand in `if (ok)`",),
    ),
    "a second site without the lock": (
        lambda raddb: (raddb / "sites-enabled/second").write_text(DEFAULT.replace("\tsmsotp_post_auth\n", "")),
        ("virtual server default: smsotp_post_auth is not called in post-auth", WITHOUT_CODE, "CHAP"),
    ),
}  # fmt: skip

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
    "two first factors, both right": site(
        ASKS, "\t\t\tpap\n\t\t\tif (!ok) {\n\t\t\t\treject\n\t\t\t}\n\t\t\tldap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n"
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


def test_the_table_is_as_long_as_was_promised() -> None:
    assert len(WRONG) >= 30


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_wiring_is_told(raddb: Path, what: str) -> None:
    change, parts = WRONG[what]
    change(raddb)

    told = [str(problem) for problem in judge(raddb).problems]

    assert any(all(part in sentence for part in parts) for sentence in told), told


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


def test_a_site_that_nothing_leads_to_is_noted(raddb: Path) -> None:
    (raddb / "sites-enabled/second").write_text(DEFAULT.replace("type = auth", "type = status"))

    (note,) = judge(raddb).notes

    assert "nothing leads to the virtual server default" in note


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


def test_policies_that_call_each_other_do_not_hang_the_look(raddb: Path) -> None:
    add("policy.d/mine", "a {\n\tb\n}\nb {\n\ta\n}\n")(raddb)
    site("\t\tfiles\n", "\t\tfiles\n\t\ta\n")(raddb)

    assert judge(raddb).begun
