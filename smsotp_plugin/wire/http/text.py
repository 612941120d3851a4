"""In which characters an answer is written. No I/O."""

import codecs
import re
from collections.abc import Mapping
from types import MappingProxyType

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:+-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9_.:+-]{1,40})["']""")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: Labels that servers use and Python does not know, or reads more narrowly than servers write and browsers read
#: (WHATWG Encoding, section 4.2).
_LABELS = MappingProxyType(
    {
        "ascii": "cp1252",
        "gb2312": "gb18030",
        "gb_2312-80": "gb18030",
        "gbk": "gb18030",
        "iso-8859-1": "cp1252",
        "iso-8859-9": "cp1254",
        "iso8859-1": "cp1252",
        "iso_8859-1": "cp1252",
        "ks_c_5601-1987": "cp949",
        "euc-kr": "cp949",
        "latin1": "cp1252",
        "shift_jis": "cp932",
        "shift-jis": "cp932",
        "sjis": "cp932",
        "tis-620": "cp874",
        "us-ascii": "cp1252",
        "utf8mb4": "utf-8",
        "windows-874": "cp874",
        "x-gbk": "gb18030",
        "x-mac-cyrillic": "mac_cyrillic",
        "x-sjis": "cp932",
    }
)
#: Python's own notations: no server means them.
_NOT_OF_THE_WEB = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "mbcs", "oem")
)


def encoding_of(headers: Mapping[str, str], body: bytes) -> str:
    """
    Return the name of the codec for a body: its mark, else what Content-Type names, else what XML declares, else UTF-8.

    Args:
        headers: With lower-case names, or names in any case.
        body: As it came, after unpacking.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name
    named = _CHARSET.search(headers.get("content-type", ""))
    declared = None if named else _DECLARED.match(body[:300])
    label = named[1] if named else declared[1].decode() if declared else "utf-8"
    name = _codec(label)
    if name == "utf-16":
        # RFC 2781 wants the high octet first where no mark tells; most software writes the low one first.
        return "utf-16-be" if body[:1] == b"\0" else "utf-16-le"
    return name


def _codec(label: str) -> str:
    label = label.lower()
    label = re.sub(r"^x-(?=cp|windows|iso)", "", label)
    try:
        found = codecs.lookup(_LABELS.get(label, label))
    except (LookupError, ValueError):
        return "utf-8"
    # Not a promise of Python, but what str.decode itself asks: "zlib" and "rot13" are no texts.
    of_text = getattr(found, "_is_text_encoding", True)
    return found.name if of_text and found.name not in _NOT_OF_THE_WEB else "utf-8"
