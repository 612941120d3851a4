"""The configuration of a FreeRADIUS with the shipped virtual server, and edits of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
#: The lines of the documentation, in a virtual server such as Debian's.
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


SHIPPED = render_site(read_listener("127.0.0.1:1812"))


def line(word: str) -> int:
    """Return the line on which a word stands alone in the shipped virtual server."""
    return [text.strip() for text in SHIPPED.splitlines()].index(word) + 1


#: Lines of the shipped virtual server.
ASKS = (
    "\t\t\tpap\n\t\t\tif (ok) {\n\t\t\t\tsmsotp_challenge\n\t\t\t}\n\t\t\telse {\n\t\t\t\treject\n\t\t\t}\n"
)
DEFAULT_WITHOUT = "\n".join(line for line in DEFAULT.splitlines() if "smsotp_" not in line).replace(
    "\t\tif (ok) {\n\t\t}\n\t\telse {\n\t\t\treject\n\t\t}\n", ""
)
