"""Text that can be encoded: JSON escapes and broken mail headers can smuggle in half a surrogate pair."""


def make_well_formed(text: str) -> str:
    """Return the text with U+FFFD for every surrogate that stands alone; two that belong together become one."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
