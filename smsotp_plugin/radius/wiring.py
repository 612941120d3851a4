"""Whether the virtual servers call the policies where they must: what is wrong, what it means, and what to type."""

from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.radius.config_text import Section
from smsotp_plugin.radius.config_tree import ConfigTree, read_tree
from smsotp_plugin.radius.findings import ALL_LINES, POLICIES, POST_AUTH, Finding, Row
from smsotp_plugin.radius.shortcuts import find_shortcuts
from smsotp_plugin.radius.site_wiring import describe_place, judge_site, uses_us
from smsotp_plugin.radius.sites import Site, find_sites
from smsotp_plugin.radius.uniform_wiring import judge_uniform
from smsotp_plugin.radius.unlang import Unlang

#: Kind and name of the module that the policies call.
_MODULE = ("python3", "smsotp")


@dataclass(frozen=True, slots=True)
class Wiring:
    """
    What was found.

    Attributes:
        rows: One for each virtual server that clients or EAP reach, or that calls one of our policies.
        problems: What is wrong.
        notes: Sentences about what is allowed but may not be meant.
        begun: Whether any virtual server calls one of our policies.
        unread: Sentences about files that cannot be read, so that the rest is not certain.
        uneven: How rejections that are to look alike can be told apart.
    """

    rows: list[Row]
    problems: list[Finding]
    notes: list[str]
    begun: bool
    unread: list[str]
    uneven: list[Finding]


def judge_wiring(main_file: Path, *, uniform: bool = False) -> Wiring:
    """
    Judge the configuration that begins with a main file (``radiusd.conf``).

    Args:
        main_file: That file.
        uniform: Whether rejections are to look alike (`[challenge] uniform`).
    """
    tree = read_tree(main_file)
    policies = _read_policies(tree.root)
    # The policies that our own policies call are as we wrote them, too.
    own = (name for name in policies if name.startswith("smsotp_"))
    unlang = Unlang(policies, frozenset({*POLICIES, *own}), _list_always_ok(tree.root))
    sites = find_sites(tree.root)
    ours = [site for site in sites if uses_us(site, unlang)]
    rows, problems, notes, uneven = list[Row](), list[Finding](), list[str](), list[Finding]()
    for site in sites:
        if site in ours or site.ways or site.inner:
            row, found = judge_site(site, unlang, ours=site in ours)
            rows.append(row)
            problems += found
    problems += _find_missing_locks(main_file, sites, ours)
    if ours:
        problems += _find_missing_parts(tree)
        reached = [site for site in ours if site.ways]
        problems += find_shortcuts(tree.root, reached, unlang)
        uneven = list(judge_uniform(tree.root, reached, unlang)) if uniform else []
    if any(site.ways for site in ours):
        notes += [_explain_unasked(site) for site in sites if site.ways and site not in ours]
    notes += [
        f"{describe_place(site.section)}: nothing leads to the virtual server {site.name}: it has no `listen` of type auth, and no "
        "client names it as its virtual_server"
        for site in ours
        if not site.ways and not site.inner
    ]
    return Wiring(rows, problems, notes, begun=bool(ours), unread=tree.unread, uneven=uneven)


def _find_missing_locks(main_file: Path, sites: list[Site], ours: list[Site]) -> list[Finding]:
    reached = [site for site in sites if site.ways]
    if any(site in ours for site in reached):
        return []
    where = describe_place(reached[0].section) if len(reached) == 1 else str(main_file)
    names = ", ".join(site.name or "(without a name)" for site in reached) or "there is none"
    return [
        Finding(
            where,
            f"no virtual server that clients reach calls {POST_AUTH} ({names})",
            "the password alone lets people in",
            ALL_LINES,
        )
    ]


def _read_policies(root: Section) -> dict[str, Section]:
    """Return what can be called by its name: policies, and the virtual modules of `instantiate`."""
    sections = [
        section for kind in ("instantiate", "policy") for section in root.sections if section.kind == kind
    ]
    # If there are several, the first one counts, and what is in `instantiate` before all.
    return {
        (inner.name or inner.kind): inner
        for section in reversed(sections)
        for inner in reversed(section.sections)
    }


def _list_always_ok(root: Section) -> frozenset[str]:
    modules = [
        module for section in root.sections if section.kind == "modules" for module in section.sections
    ]
    return frozenset(
        module.name or module.kind
        for module in modules
        if module.kind == "linelog" or (module.kind == "always" and module.values.get("rcode") == "ok")
    )


def _explain_unasked(site: Site) -> str:
    return (
        f"{describe_place(site.section)}: the virtual server {site.name} ({', '.join(site.ways)}) asks for no code: the "
        "password alone lets people in"
    )


def _find_missing_parts(tree: ConfigTree) -> list[Finding]:
    main = tree.root.file
    modules = [
        (module.kind, module.name or module.kind)
        for section in tree.root.sections
        if section.kind == "modules"
        for module in section.sections
    ]
    found = list[Finding]()
    if _MODULE not in modules:
        found.append(
            Finding(
                str(main),
                "the module smsotp is not enabled",
                "FreeRADIUS does not start, or skips what calls it",
                ("smsotp freeradius install --raddb DIR",),
            )
        )
    defined = [
        policy for section in tree.root.sections if section.kind == "policy" for policy in section.sections
    ]
    for name in POLICIES:
        places = [policy for policy in defined if policy.kind == name]
        if not places:
            found.append(
                Finding(
                    str(main),
                    f"the policy {name} is missing",
                    "FreeRADIUS does not start, or skips what calls it",
                    ("smsotp freeradius install --raddb DIR",),
                )
            )
        found += [
            Finding(
                describe_place(other),
                f"the policy {name} is defined a second time; the first is at {describe_place(places[0])}",
                "it is not certain which of them is called",
            )
            for other in places[1:]
        ]
    return found
