"""What is reported about the virtual servers: the names of our policies, a row of the table, a problem."""

from dataclasses import dataclass, field

GUARD, AUTHORIZE, CHALLENGE = "smsotp_guard", "smsotp_authorize", "smsotp_challenge"
POST_AUTH, SIGN_REPLY = "smsotp_post_auth", "smsotp_sign_reply"
#: Only for `[challenge] uniform`.
UNIFORM = "smsotp_uniform"

#: The policies that a virtual server calls, and the sections that each belongs in.
POLICIES = {
    GUARD: ("authorize", "authenticate", "post-auth"),
    AUTHORIZE: ("authorize",),
    CHALLENGE: ("authenticate",),
    POST_AUTH: ("post-auth",),
    SIGN_REPLY: ("post-auth",),
}

#: What to type into an Auth-Type.
CHALLENGE_LINES = (
    "Auth-Type PAP {",
    "\tpap",
    "\tif (ok) {",
    f"\t\t{CHALLENGE}",
    "\t}",
    "\telse {",
    "\t\treject",
    "\t}",
    "}",
)
SIGN_LINES = ("Post-Auth-Type REJECT {", "\t...", f"\t{SIGN_REPLY}", "}")
#: What to type into a virtual server that calls none of our policies.
ALL_LINES = (
    *("authorize {", f"\t{GUARD}", "\t...", f"\t{AUTHORIZE}", "}"),
    *("authenticate {", *(f"\t{line}" for line in CHALLENGE_LINES), "}"),
    *("post-auth {", f"\t{POST_AUTH}", "\t...", *(f"\t{line}" for line in SIGN_LINES), "}"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is wrong.

    Attributes:
        where: File and line.
        what: What is wrong, without a full stop.
        means: What follows from it for the site.
        lines: What to type, as it has to be in the file; none if something has to be removed.
    """

    where: str
    what: str
    means: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.means}"


@dataclass(slots=True)
class Row:
    """
    One virtual server in the table.

    Attributes:
        site: Its name.
        ways: How requests come to it.
        cells: For each policy, by its name: where it is called, or what is wrong.
    """

    site: str
    ways: str
    cells: dict[str, str] = field(default_factory=dict)
