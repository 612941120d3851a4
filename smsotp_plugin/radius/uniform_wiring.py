"""Whether rejections take the same time if ``[challenge] uniform`` is set: the policy for that, and what it needs."""

from collections.abc import Iterator, Sequence

from smsotp_plugin.radius.config_text import Section
from smsotp_plugin.radius.findings import SIGN_LINES, UNIFORM, Finding
from smsotp_plugin.radius.sites import Site
from smsotp_plugin.radius.unlang import Reach, Unlang

#: Seconds: a shorter `reject_delay` is over before the moment at which the policy has rejections sent.
_SHORTEST = 1.0
_MEANS = (
    "although challenge.uniform is true, the time of a rejection shows whether the password was right, and the texts of "
    "other modules stay in it"
)
_LINES = (*SIGN_LINES[:-1], f"\t{UNIFORM}", SIGN_LINES[-1])


def judge_uniform(root: Section, sites: Sequence[Site], unlang: Unlang) -> Iterator[Finding]:
    """
    Judge a configuration whose rejections are to look alike.

    Args:
        root: The whole configuration.
        sites: The virtual servers that clients reach and that call our policies.
        unlang: Reads their sections.
    """
    for site in sites:
        yield from _judge_site(site, unlang)
    if sites and (found := _find_reject_delay(root)) < _SHORTEST:
        yield Finding(
            str(root.file),
            f"reject_delay is {found:g} s, and {UNIFORM} needs {_SHORTEST:g} s at least",
            _MEANS,
            ("security {", "\t...", f"\treject_delay = {_SHORTEST:g}", "}"),
        )


def _judge_site(site: Site, unlang: Unlang) -> Iterator[Finding]:
    reject = site.find_reject()
    reach = unlang.within("post-auth").find_reach(reject.items, UNIFORM) if reject else Reach.NEVER
    if reach is Reach.ALWAYS:
        return
    where = reject or site.find_list("post-auth") or site.section
    how = "not always called" if reach is Reach.SOMETIMES else "not called"
    what = f"virtual server {site.name or '(without a name)'}: {UNIFORM} is {how} in Post-Auth-Type REJECT"
    yield Finding(f"{where.file}:{where.line}", what, _MEANS, _LINES)


def _find_reject_delay(root: Section) -> float:
    """Return the delay in seconds; 0 if none is set, as FreeRADIUS does."""
    said = [
        section.values.get("reject_delay", "0") for section in root.sections if section.kind == "security"
    ]
    try:
        return float(said[0]) if said else 0.0
    except ValueError:
        # It may be a variable, whose value only FreeRADIUS knows.
        return _SHORTEST
