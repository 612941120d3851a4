"""The five places of one virtual server: whether each of our policies is called where it has to be."""

import re
from dataclasses import dataclass, field

from smsotp_plugin.plain_file import LARGEST_FILE, read_plain_file
from smsotp_plugin.radius.config_text import Section, Statement
from smsotp_plugin.radius.findings import (
    AUTHORIZE,
    CHALLENGE,
    CHALLENGE_LINES,
    GUARD,
    POLICIES,
    POST_AUTH,
    SIGN_LINES,
    SIGN_REPLY,
    Finding,
    Row,
)
from smsotp_plugin.radius.first_factor import Entry, Treatment, read_entries
from smsotp_plugin.radius.sites import Site
from smsotp_plugin.radius.unlang import (
    ENDS,
    Call,
    Item,
    Reach,
    Unlang,
    find_return,
    list_actions,
    list_all_calls,
)

#: The part of a condition that does not hold inside of EAP.
_NO_EAP = re.compile(r"!\s*[(\s]*&?(request:)?EAP-[\w-]+")
#: A condition that holds in the answer to a challenge.
_NO_PASSWORD = re.compile(r"!\s*[(\s]*&?(request:)?User-Password\b")


def uses_us(site: Site, unlang: Unlang) -> bool:
    """Tell whether a virtual server calls any of our policies, or our module by itself, in any place."""
    return any(_is_ours(call.name) for _, call in list_all_calls(site.section, unlang))


def judge_site(site: Site, unlang: Unlang, *, ours: bool) -> tuple[Row, list[Finding]]:
    """
    Judge one virtual server.

    Args:
        site: The virtual server.
        unlang: Reads its sections.
        ours: Whether it calls any of our policies; a server that calls none is in order, and asks for no code.
    """
    judge = _Judge(site, unlang)
    tunnels = [f"inside of EAP ({', '.join(site.inner)})"] if site.inner else []
    judge.row.ways = ", ".join([*site.ways, *tunnels]) or "nothing"
    if not ours:
        judge.row.cells = dict.fromkeys(POLICIES, "-")
        return judge.row, []
    if site.inner and not site.ways:
        judge.judge_tunnel()
        return judge.row, judge.found
    judge.judge_strange_calls()
    judge.guard()
    judge.authorize()
    judge.judge_challenge()
    judge.post_auth()
    judge.sign_reply()
    return judge.row, judge.found


@dataclass(slots=True)
class _Judge:
    site: Site
    unlang: Unlang
    row: Row = field(init=False)
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row = Row(self.site.name or "(without a name)", "", dict.fromkeys(POLICIES, "missing"))

    def tell(self, where: Item, what: str, means: str, *lines: str) -> None:
        self.found.append(
            Finding(describe_place(where), f"virtual server {self.row.site}: {what}", means, lines)
        )

    def judge_tunnel(self) -> None:
        for kind, call in list_all_calls(self.site.section, self.unlang):
            if _is_ours(call.name):
                self.row.cells[call.name] = "inside of EAP"
                self.tell(
                    call.item,
                    f"{call.name} is called in {kind} inside of EAP",
                    "no code can be asked for in there; it belongs in the virtual server that clients reach, so "
                    "take it out here",
                )

    def judge_strange_calls(self) -> None:
        """Report policies of ours that are called in other sections, under other names, or with actions of their own."""
        for kind, call in list_all_calls(self.site.section, self.unlang):
            name = call.name.removeprefix("-")
            if call.name.startswith("-") and name in POLICIES:
                self.tell(
                    call.item,
                    f"{call.name} has a - in front of it",
                    "FreeRADIUS skips it silently; take the - away",
                )
            elif name in POLICIES:
                self._judge_list(kind, call)
                self._judge_own_actions(call)
            elif name.lower().startswith(("smsotp_", "smsotp-")) and name not in self.unlang.atoms:
                self.tell(
                    call.item,
                    f"{call.name} is called, but there is no such policy",
                    f"FreeRADIUS does not start; there are: {', '.join(POLICIES)}",
                )
            elif _is_ours(name) and not kind.startswith("post-auth"):
                self.tell(
                    call.item,
                    f"the module {call.name} is called by itself in {kind}",
                    "what it answers is not guarded; call the policy in its place",
                    CHALLENGE if kind.startswith("authenticate") else AUTHORIZE,
                )

    def _judge_list(self, kind: str, call: Call) -> None:
        if call.name == POST_AUTH and kind.casefold() == "post-auth, post-auth-type challenge":
            self.tell(
                call.item,
                f"{call.name} is called in {kind}",
                "it makes a rejection of every challenge, and nobody can log in; take it out there",
            )
        if kind.partition(",")[0] not in POLICIES[call.name]:
            wanted = POLICIES[call.name][0]
            self.tell(
                call.item,
                f"{call.name} is called in {kind}",
                f"it has no use there; it belongs in {wanted}",
            )

    def _judge_own_actions(self, call: Call) -> None:
        sections = [section for section in (*call.around, call.item) if isinstance(section, Section)]
        for section in sections:
            for action in list_actions(section):
                self.tell(
                    action,
                    f"`{action.name} = {action.value}` changes what follows from {call.name}",
                    "what it rejects may go on and be let in; take it away",
                )

    def guard(self) -> None:
        authorize = self._find_list(
            "authorize", GUARD, "no code can be asked for", f"authorize {{ {GUARD} ... }}"
        )
        if authorize is None:
            return
        means = "bytes that are not text go on to the other modules, which may see another name than the plugin does"
        call = self._find_call(authorize, GUARD, means, f"{GUARD}   (first in authorize)")
        if call and (before := self._list_before(authorize, call)):
            self.row.cells[GUARD] = "not first"
            names = _join_names(before)
            self.tell(
                call.item,
                f"{GUARD} is not the first in authorize, {names} before it",
                f"{means}; make it the first",
            )

    def authorize(self) -> None:
        authorize = self.site.find_list("authorize")
        if authorize is None:
            return
        checkers = [call.name for call in self._list_calls(authorize) if not _is_ours(call.name)]
        means = f"the code goes on as if it were a password, to {checkers[-1] if checkers else 'nobody'}, and is not accepted"
        call = self._find_call(authorize, AUTHORIZE, means, f"{AUTHORIZE}   (last in authorize)")
        if call is None:
            return
        calls = self._list_calls(authorize)
        place = calls.index(call)
        after = [other for other in calls[place + 1 :] if other.name not in self.unlang.atoms]
        chosen = self._list_choices(self._list_items_after(authorize, call))
        if after or chosen:
            self.row.cells[AUTHORIZE] = "not last"
            names = _join_names(after) or f"Auth-Type is set in {describe_place(chosen[0])}"
            self.tell(
                call.item,
                f"{AUTHORIZE} is not the last in authorize, {names} after it",
                "what comes after a right or wrong code may look it up as a password, and lock the account; make it "
                "the last",
            )
        self._judge_returns(calls[:place], means)
        for part in authorize.sections:
            for statement in self._list_choices(part.items) if part.kind == "Autz-Type" else ():
                self.tell(
                    statement,
                    f"Auth-Type is set in Autz-Type {part.name}, which is run after {AUTHORIZE}",
                    "a right code is looked up as a password, and is not accepted; set it in `if (&User-Password)`, as an answer "
                    "has none",
                )

    def _list_choices(self, items: list[Item]) -> list[Statement]:
        """Return what sets Auth-Type also in the answer to a challenge, where there is no User-Password."""
        always = [item for item in items if not (isinstance(item, Section) and _needs_password(item.name))]
        return [
            statement
            for _, statement in self.unlang.within("authorize").list_updates(always)
            if statement.name.rpartition(":")[2].lstrip("&") == "Auth-Type" and statement.operator != "="
        ]

    def _judge_returns(self, calls: list[Call], means: str) -> None:
        endings: dict[Item, str] = {}
        for call in calls:
            around = [section.name for section in call.around if section.kind in ("if", "elsif")]
            if call.name == "eap" or any("EAP" in _NO_EAP.sub("", condition) for condition in around):
                continue
            if ending := find_return(call):
                name, action = ending
                endings.setdefault(action, f"`{action.name} = {action.value}` of {name}")
            elif call.name == "return":
                endings.setdefault(call.item, "`return`")
            elif call.name in ENDS and (without := [name for name in around if _is_for_answers(name)]):
                self.tell(
                    call.item,
                    f"`{call.name}` in `if {without[0]}` ends authorize before {AUTHORIZE}",
                    f"an answer to a challenge has no User-Password after {GUARD}, and no code is accepted; add `&& !&State`",
                )
        for item, what in endings.items():
            self.row.cells[AUTHORIZE] = "not always"
            self.tell(item, f"{what} ends authorize before {AUTHORIZE}", means)

    def judge_challenge(self) -> None:
        authenticate = self._find_list(
            "authenticate", CHALLENGE, "no code can be asked for", *CHALLENGE_LINES
        )
        if authenticate is None:
            return
        entries = read_entries(authenticate, self.unlang, CHALLENGE)
        asking = [entry for entry in entries if entry.treatment is Treatment.ASKS]
        for entry in entries:
            for wrong in entry.wrong:
                self.tell(
                    entry.item,
                    f"{CHALLENGE} in Auth-Type {entry.name} {wrong.what}",
                    wrong.means,
                    *CHALLENGE_LINES,
                )
        wrong_ones = [entry.name for entry in entries if entry.wrong]
        self.row.cells[CHALLENGE] = ", ".join(
            [entry.name for entry in asking if not entry.wrong] + [f"{name} wrongly" for name in wrong_ones]
        )
        locked = self._is_locked()
        if not asking and not wrong_ones:
            self.row.cells[CHALLENGE] = "missing"
            means = "nobody can log in" if locked else "the password alone lets people in"
            self.tell(
                authenticate,
                f"no Auth-Type calls {CHALLENGE}{self._hint(CHALLENGE)}",
                means,
                *CHALLENGE_LINES,
            )
        elif locked:
            self._shut_out([entry for entry in entries if not entry.wrong])

    def _shut_out(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.treatment is Treatment.LETS_PASS and not entry.carries_no_code:
                self.row.cells[CHALLENGE] += f", not {entry.name}"
                names = ", ".join(entry.factors)
                self.tell(
                    entry.item,
                    f"Auth-Type {entry.name} does not call {CHALLENGE} after {names}",
                    f"everybody that it checks is rejected by {POST_AUTH}, whether the password is right or not",
                    *(
                        line.replace("PAP", entry.name).replace("pap", entry.factors[-1])
                        for line in CHALLENGE_LINES
                    ),
                )

    def post_auth(self) -> None:
        means = self._means_no_lock()
        line = f"{POST_AUTH}   (first in post-auth)"
        section = self._find_list("post-auth", POST_AUTH, means, "post-auth {", f"\t{POST_AUTH}", "}")
        call = self._find_call(section, POST_AUTH, means, line) if section else None
        if section and call and (before := self._list_before(section, call)):
            self.row.cells[POST_AUTH] = "not first"
            self.tell(
                call.item,
                f"{POST_AUTH} is not the first in post-auth, {_join_names(before)} before it",
                "what comes before it takes people as accepted who are not, and may let them in; make it the first",
            )

    def _means_no_lock(self) -> str:
        authenticate = self.site.find_list("authenticate")
        entries = read_entries(authenticate, self.unlang, CHALLENGE) if authenticate else []
        if not any(entry.treatment is Treatment.ASKS for entry in entries):
            return "the password alone lets people in"
        open_ones = [entry.name for entry in entries if entry.treatment is Treatment.LETS_PASS]
        ways = ", ".join(["`Auth-Type := Accept` in the users file", *open_ones])
        return f"everybody who is not asked for a code gets in without one: {ways}"

    def sign_reply(self) -> None:
        reject = self.site.find_reject()
        means = "rejections carry no Message-Authenticator, and clients that want one drop them"
        if reject is None:
            where = self.site.find_list("post-auth") or self.site.section
            self.tell(where, f"there is no Post-Auth-Type REJECT with {SIGN_REPLY}", means, *SIGN_LINES)
            return
        call = self._find_call(reject, SIGN_REPLY, means, *SIGN_LINES)
        calls = self._list_calls(reject)
        filters = [other for other in calls if other.name.lstrip("-").startswith("attr_filter")]
        if call and filters and calls.index(filters[-1]) > calls.index(call):
            self.row.cells[SIGN_REPLY] = "not last"
            self.tell(
                call.item,
                f"{SIGN_REPLY} is not the last, {_join_names(filters[-1:])} after it",
                f"{means}; make it the last",
            )

    def _is_locked(self) -> bool:
        section = self.site.find_list("post-auth")
        return (
            section is not None
            and self.unlang.within("post-auth").find_reach(section.items, POST_AUTH) is Reach.ALWAYS
        )

    def _find_list(self, kind: str, name: str, means: str, *lines: str) -> Section | None:
        section = self.site.find_list(kind)
        if section is None:
            self.tell(self.site.section, f"it has no {kind}, where {name} has to be called", means, *lines)
        return section

    def _find_call(self, section: Section, name: str, means: str, *lines: str) -> Call | None:
        """Return the call of a policy; report it if there is none, or if it is not always reached."""
        calls = [call for call in self._list_calls(section) if call.name == name]
        reach = self._unlang_of(section).find_reach(section.items, name)
        kind = f"{section.kind} {section.name}".strip()
        if reach is Reach.ALWAYS:
            self.row.cells[name] = f"line {calls[0].item.line}"
            return calls[0]
        if not calls:
            self.tell(section, f"{name} is not called in {kind}{self._hint(name)}", means, *lines)
        elif reach is Reach.NEVER:
            self.row.cells[name] = "never reached"
            self.tell(calls[0].item, f"{name} is never reached, because {kind} ends before it", means, *lines)
        else:
            self.row.cells[name] = "not always"
            around = _write_condition(calls[0])
            self.tell(calls[0].item, f"{name} is called only in `{around}`, not always", means, *lines)
        return None

    def _hint(self, name: str) -> str:
        """Say where the call is commented out, if it is."""
        for line, text in enumerate(_write_text(self.site.section), 1):
            inside = self.site.section.line <= line <= (self.site.section.end or line)
            if inside and re.match(rf"\s*#[#\s]*-?{name}\b", text):
                return f" (line {line} is commented out)"
        return ""

    def _list_before(self, section: Section, call: Call) -> list[Call]:
        calls = self._list_calls(section)
        place = next(place for place, other in enumerate(calls) if other.name == call.name)
        return [other for other in calls[:place] if other.name not in self.unlang.atoms]

    def _list_items_after(self, section: Section, call: Call) -> list[Item]:
        """Return the items of a section after the one that contains a call."""
        holder = call.around[0] if call.around else call.item
        places = [
            place
            for place, item in enumerate(section.items)
            if holder is item or holder is self._unlang_of(section).body(item)
        ]
        return section.items[places[-1] + 1 :] if places else []

    def _list_calls(self, section: Section) -> list[Call]:
        return list(self._unlang_of(section).calls(section.items))

    def _unlang_of(self, section: Section) -> Unlang:
        """Return what reads a list; a Post-Auth-Type is one of post-auth."""
        return self.unlang.within("post-auth" if section.kind == "Post-Auth-Type" else section.kind)


def describe_place(item: Item) -> str:
    """Return ``file:line``."""
    return f"{item.file}:{item.line}"


def _needs_password(condition: str) -> bool:
    return "User-Password" in _NO_PASSWORD.sub("", condition)


def _is_for_answers(condition: str) -> bool:
    """Tell whether a condition holds in the answer to a challenge, from which `smsotp_guard` takes the User-Password."""
    return bool(_NO_PASSWORD.search(condition)) and "State" not in condition


def _is_ours(name: str) -> bool:
    """Tell whether a name is one of ours, or is meant to be."""
    plain = name.lstrip("-").lower().replace("-", "_")
    return plain.startswith(("smsotp_", "smsotp.")) or plain == "smsotp"


def _join_names(calls: list[Call]) -> str:
    if not calls:
        return ""
    names = ", ".join(dict.fromkeys(call.name for call in calls))
    return f"{names} (line {calls[0].item.line}) {'comes' if len(calls) == 1 else 'come'}"


def _write_condition(call: Call) -> str:
    kinds = (
        "if",
        "elsif",
        "else",
        "redundant",
        "load-balance",
        "redundant-load-balance",
        "switch",
        "case",
        "foreach",
    )
    around = [section for section in call.around if section.kind in kinds]
    return f"{around[-1].kind} {around[-1].name}".strip() if around else "a policy"


def _write_text(section: Section) -> list[str]:
    try:
        content = read_plain_file(section.file, LARGEST_FILE) if section.file else b""
    except OSError:
        return []
    return content.decode(errors="replace").splitlines()
