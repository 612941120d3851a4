"""The character encoding of an answer. No I/O."""

import codecs
import encodings
import encodings.aliases
import pkgutil
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

_CHARSET = re.compile(r"""charset\s*=[\s"']*([A-Za-z0-9_.:+-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9_.:+-]{1,40})["']""")
#: A page that names its charset itself (WHATWG HTML, section 13.2.3.2).
_META = re.compile(rb"""<meta\s[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_.:+-]{1,40})""", re.IGNORECASE)
#: Bytes that are searched for it.
_HEAD = 1024
#: What no text holds that is written in ASCII or what is built on it.
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]")
#: How Windows' and DOS' code pages are called besides their proper labels.
_CODE_PAGE = re.compile(r"(?:win|windows|cp|dos|ibm|ms)[-_]?(125[0-8]|866|874)")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Labels that servers use (WHATWG Encoding, section 4.2, and a few more) and Python does not know.
_LABELS = MappingProxyType(
    {
        label: name
        for name, labels in {
            "big5hkscs": "cn-big5 csbig5 x-x-big5",
            "cp1251": "cswindows1251",
            "cp1252": "iso88591",
            "cp1254": "iso88599",
            "cp874": "iso885911",
            "cp932": "csshiftjis ms932 windows-31j x-sjis",
            "cp949": "cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949",
            "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
            "gb18030": "gb_2312 x-gbk",
            "iso8859-2": "iso88592",
            "iso8859-6": "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
            "iso8859-7": "sun_eu_greek",
            "iso8859-8": "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i logical visual",
            "iso8859-15": "csisolatin9",
            "koi8-r": "koi koi8",
            "koi8-u": "koi8-ru",
            "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
            "mac_roman": "csmacintosh mac x-mac-roman",
            "utf-8": "utf8mb4",
            "utf-16": "csunicode iso-10646-ucs-2 ucs-2 ucs2 unicode unicodefeff",
            "utf-16-be": "unicodefffe",
        }.items()
        for label in labels.split()
    }
)
#: Codecs of Python that read less than what servers write, and browsers read, under their names.
_WIDER = MappingProxyType(
    {
        "ascii": "cp1252",
        "big5": "big5hkscs",
        "euc_kr": "cp949",
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "iso8859-1": "cp1252",
        "iso8859-11": "cp874",
        "iso8859-9": "cp1254",
        "shift_jis": "cp932",
        "tis-620": "cp874",
    }
)
#: Python's own notations: no server means them.
_NOT_OF_THE_WEB = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7", "mbcs", "oem")
)


def find_encoding(headers: Mapping[str, str], body: bytes) -> str:
    """
    Return the name of the codec for a body: its mark, else what Content-Type names, else what XML or HTML declares, else UTF-8.

    UTF-16 is often named by programs that write UTF-8 (.NET calls so all XML that it writes into a string). Where the body shows
    that it cannot be true, it is taken for UTF-8.

    Args:
        headers: With lower-case names, or names in any case.
        body: As it came, after unpacking.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name
    named = _CHARSET.search(headers.get("content-type", ""))
    if named:
        name = _find_codec(named[1])
    else:
        declared = _DECLARED.match(body[:300]) or _META.search(body[:_HEAD])
        name = _find_codec(declared[1].decode()) if declared else "utf-8"
    # A declaration could not have been read here if it named such a codec and were true.
    if not _reads_ascii(name) and (not named or _is_utf_8(body)):
        return "utf-8"
    if name == "utf-16":
        # RFC 2781 wants the high octet first where no mark tells; most software writes the low one first.
        return "utf-16-be" if body[:1] == b"\0" else "utf-16-le"
    return name


@cache
def load_codecs() -> Mapping[str, str]:
    """
    Load all codecs of text, before an answer needs one: an import that fails is not tried again.

    Returns:
        The name of each codec by the name of its module in `encodings`.
    """
    found = {}
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            codec = codecs.lookup(module.name)
        except LookupError:  # of another operating system, or no codec
            continue
        # Not a promise of Python, but what str.decode itself asks: "zlib" and "rot13" are not encodings of text.
        is_text = getattr(codec, "_is_text_encoding", True)
        if is_text and codec.name.replace("-", "_") not in _NOT_OF_THE_WEB:
            found[module.name] = codec.name
    return MappingProxyType(found)


@cache
def _reads_ascii(name: str) -> bool:
    return str(b"ID: 1", name, "replace") == "ID: 1"


def _is_utf_8(body: bytes) -> bool:
    """Tell whether a body makes sense as UTF-8, as a text in UTF-16 does not: NUL stands beside each of its ASCII characters."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(body)


@lru_cache(maxsize=64)
def _find_codec(label: str) -> str:
    label = re.sub(r"^x-(?=cp|windows|iso)", "", label.lower())
    if page := _CODE_PAGE.fullmatch(label):
        label = f"cp{page[1]}"
    # As `codecs.lookup` does, which would import what it does not know.
    wanted = encodings.normalize_encoding(_LABELS.get(label, label))
    aliases = encodings.aliases.aliases
    module = aliases.get(wanted) or aliases.get(wanted.replace(".", "_")) or wanted
    name = load_codecs().get(module, "utf-8")
    return _WIDER.get(name, name)
