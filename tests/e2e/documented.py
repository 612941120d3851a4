"""What the page about the installation tells administrators to write, so that tests run exactly that."""

from tests.support.markdown import ROOT, blocks

_INSTALL = ROOT / "docs/install.md"


def documented(part: str, language: str = "unlang") -> str:
    """Return the only code block of the page, in this language, that has this text in it."""
    (found,) = [block.text for block in blocks(language, pages=[_INSTALL]) if part in block.text]
    return found


def body(section: str) -> str:
    """Return what stands inside of a section that is a whole block: without its first and its last line."""
    return "\n".join(section.strip().splitlines()[1:-1]) + "\n"
