"""The virtual servers of a configuration, and how requests come to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from smsotp_plugin.fields.host import is_loopback
from smsotp_plugin.radius.config_text import Section

_USUAL_PORT = "1812"
#: What the distributions call the virtual server inside of EAP.
_USUAL_TUNNEL = "inner-tunnel"
#: Sections that make the whole configuration one virtual server without a name.
_LISTS = ("authorize", "authenticate", "post-auth")


@dataclass(frozen=True, slots=True)
class Site:
    """
    A virtual server.

    Attributes:
        name: Empty if the sections are outside any ``server``.
        section: What is in it.
        ways: How a client's Access-Request comes to it, for example ``*:1812`` or ``client vpn``; none if nothing leads to it,
            or if it is inside of EAP.
        inner: Names of the EAP methods that use it for what is inside their tunnel.
    """

    name: str
    section: Section
    ways: tuple[str, ...]
    inner: tuple[str, ...] = ()

    def find_list(self, kind: str) -> Section | None:
        """Return its ``authorize``, ``authenticate`` or ``post-auth``."""
        return next((section for section in self.section.sections if section.kind == kind), None)

    def find_reject(self) -> Section | None:
        """Return its ``Post-Auth-Type REJECT``."""
        section = self.find_list("post-auth")
        parts = section.sections if section else []
        rejecting = (
            part for part in parts if part.kind == "Post-Auth-Type" and part.name.lower() == "reject"
        )
        return next(rejecting, None)


def find_sites(root: Section) -> list[Site]:
    """Return all virtual servers that are enabled, in the order of the configuration."""
    ways, inner = dict[str, list[str]](), dict[str, list[str]]()
    for name, way in _find_ways(root):
        ways.setdefault(name, []).append(way)
    for name, method in _find_tunnels(root):
        inner.setdefault(name, []).append(method)
    if _USUAL_TUNNEL in ways:
        inner.setdefault(_USUAL_TUNNEL, ["by its name"])
    sections = [(section.name, section) for section in root.sections if section.kind == "server"]
    if any(section.kind in _LISTS for section in root.sections):
        sections.append(("", root))
    return [_read_site(name, section, ways.get(name, []), inner.get(name, [])) for name, section in sections]


def _read_site(name: str, section: Section, ways: list[str], inner: list[str]) -> Site:
    # A port of its own on a loopback address is for tests; clients do not reach it.
    if inner and all(is_loopback(way.rpartition(":")[0]) for way in ways):
        ways = []
    return Site(name, section, tuple(ways), tuple(inner))


def _find_ways(root: Section) -> Iterator[tuple[str, str]]:
    """Yield the virtual server, and what leads to it."""
    for server, section in _walk_everywhere(root):
        if section.kind == "listen":
            yield from _find_listeners(section, server)
        elif section.kind in ("client", "home_server") and "virtual_server" in section.values:
            yield section.values["virtual_server"], f"{section.kind} {section.name}"


def _walk_everywhere(root: Section) -> Iterator[tuple[str, Section]]:
    """Yield the sections at the top (named ""), and those in a virtual server or a list of clients with its name."""
    for section in root.sections:
        yield "", section
        if section.kind in ("server", "clients"):
            yield from ((section.name, inside) for inside in section.sections)


def _find_listeners(section: Section, server: str) -> Iterator[tuple[str, str]]:
    values = section.values
    if "auth" not in values.get("type", "auth").casefold().split("+"):
        return
    names = ("ipaddr", "ipv4addr", "ipv6addr")
    address = next((values[name] for name in names if name in values), "*")
    port = values.get("port", "0")
    shown = f"[{address}]" if ":" in address else address
    yield values.get("virtual_server", server), f"{shown}:{_USUAL_PORT if port == '0' else port}"


def _find_tunnels(root: Section) -> Iterator[tuple[str, str]]:
    for modules in (section for section in root.sections if section.kind == "modules"):
        for eap in (section for section in modules.sections if section.kind == "eap"):
            for method in eap.sections:
                if method.kind in ("ttls", "peap", "teap") and "virtual_server" in method.values:
                    yield method.values["virtual_server"], method.kind
