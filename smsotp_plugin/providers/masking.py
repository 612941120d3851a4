"""
What a gateway repeats of a message, found in whatever it says and made unreadable.

Gateways send back what they were sent: as the id of a message, in the sentence of an error, packed into hexadecimal or
base64. Ids and sentences go into the log and stay in the delivery log for weeks, so codes, passwords and whole numbers
have to be gone before.
"""

import html
import re
import string
import unicodedata
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from smsotp_plugin.sms.message import Message
from smsotp_plugin.sms.typed import fold

#: What stands in place of a secret.
MASK = "***"
#: A word that could be a code or a password; shorter ones are found by chance.
_SHORTEST = 4
#: No country code has more digits than this. The digits after it are the same however a number is written.
_LONGEST_COUNTRY_CODE = 3
#: This many of the last digits can give away whose number it is.
_TELLING_DIGITS = 7
_WORD = re.compile(r"\w{4,}")
_SIGNS = re.compile(r"[^a-z0-9]+")
_SIGN_OCTETS = re.compile(rb"[^a-z0-9]+")
_NUMBERED = re.compile(r"(?=\w*\d)\w{4,}")
_NO_DIGITS = re.compile(r"[^0-9]+")
#: A piece of text that may be something packed.
_TOKEN = re.compile(r"[^\s\"'<>,;(){}\[\]]{4,}")
#: A word of what is said of a message later.
_TOLD = re.compile(r"[^\s\"'<>,;:=(){}\[\]]{4,}")
#: How JSON may write any character, and PHP does write all beyond ASCII.
_ESCAPED = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")
_BETWEEN = r"[\W_]{0,3}"
_HEX = re.compile(r"[0-9A-Fa-f]{8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}")
#: Octets one by one, as dumps, escapes and quoted-printable write them.
_ESCAPE = r"(?:\\x|\\u00|0x|=|%(?:25)?)?"
_OCTETS = re.compile(rf"{_ESCAPE}([0-9A-Fa-f]{{2}})[ :,-]{{0,2}}")
_DUMP = re.compile(rf"{_ESCAPE}[0-9A-Fa-f]{{2}}(?:[ :,-]{{0,2}}{_ESCAPE}[0-9A-Fa-f]{{2}}){{3,}}")
#: Characters; whatever is longer without a blank is no word.
_LONGEST_WORD = 200
_ASCII_WORD = string.ascii_letters + string.digits
#: Characters of a text that are searched; the rest is cut off.
_MOST_LOOKED_AT = 1000


class Secrets:
    """
    What must not be shown of one message and its gateway.

    Args:
        message: Its texts and its number.
        written_number: The number as the gateway was told it.
        passwords: Of the gateway.
    """

    def __init__(self, message: Message, written_number: str, passwords: Iterable[str]) -> None:
        self._message = message
        self._written_number = written_number
        self._passwords = [password for password in passwords if password]

    def are_hidden_in(self, text: str) -> bool:
        """Tell whether a text that is not a sentence, such as an id, holds anything of the message."""
        if len(text) < _SHORTEST and text.isascii():
            return False
        codes, suspicious = self._list_words()
        squeezed = _squeeze(text)
        part_of_one = len(squeezed) >= _SHORTEST and any(squeezed in code for code in codes)
        return part_of_one or _Needles(suspicious, self._list_numbers(), self._passwords).are_in_text(text)

    def mask_own(self, text: str) -> str:
        """Return a sentence of our own, perhaps with foreign words in it, without any secret."""
        return self._mask(text, self._list_words()[0])

    def mask_foreign(self, text: str) -> str:
        """Return what somebody else said, without any secret; if the code is not known, without any word of the SMS."""
        return self._mask(text, self._list_words()[1])

    def mark_codes(self) -> frozenset[int]:
        """Return marks by which `mask_marked` recognises the code, or the words that may be it, once the message is forgotten."""
        words = {self._code} if self._code else self._numbered
        return frozenset(map(hash, _squeeze_all(words)))

    @property
    def _code(self) -> str:
        """The code; empty if it is not known which word of the SMS that is."""
        otp = self._message.otp.get_secret_value()
        # A single word is the bare code, as `[otp] text` is not set.
        return self._message.code.get_secret_value() or ("" if " " in otp else otp)

    @property
    def _numbered(self) -> set[str]:
        """The words of the SMS that could be the code by their digits."""
        texts = (self._message.otp.get_secret_value(), self._message.sentence.get_secret_value())
        return {word for text in texts for word in _NUMBERED.findall(text)}

    def _list_words(self) -> tuple[list[str], list[str]]:
        """
        Return what is secret besides the number, squeezed.

        Returns:
            The code, every other word of the SMS that could be one by its digits, and the passwords; and the same with
            all words of the SMS where it is not known which is the code.
        """
        otp, sentence = self._message.otp.get_secret_value(), self._message.sentence.get_secret_value()
        codes = _squeeze_all({self._code, *self._numbered, *self._passwords})
        if self._code:
            return codes, codes
        return codes, codes + _squeeze_all({*_WORD.findall(otp), *_WORD.findall(sentence)})

    def _list_numbers(self) -> list[str]:
        """Return the ends of the number in both forms: the digits that are the same however it is written."""
        both = (self._message.number.e164, self._written_number)
        found = {digits for each in both if len(digits := _keep_digits(each)) >= _SHORTEST}
        return sorted({each[-max(_TELLING_DIGITS, len(each) - _LONGEST_COUNTRY_CODE) :] for each in found})

    def _mask(self, text: str, words: list[str]) -> str:
        # Some characters become up to 18.
        text = _cut(unicodedata.normalize("NFKC", fold(_unescape(_cut(text)))))
        numbers = self._list_numbers()
        for number in numbers:
            # With all the digits before it, so that neither a country code nor the rest of a longer number is left.
            text = re.sub(rf"\+?(?:\d{_BETWEEN})*{_BETWEEN.join(number)}", MASK, text)
        texts = (self._message.sentence.get_secret_value(), self._message.otp.get_secret_value())
        for whole in (*texts, *self._passwords):
            if len(whole) >= _SHORTEST:
                text = text.replace(unicodedata.normalize("NFKC", whole), MASK)
        for word in sorted(words, key=len, reverse=True):
            pattern = _BETWEEN.join(map(re.escape, word))
            text = re.sub(
                rf"(?<![^\W_]){pattern}(?![^\W_])|{re.escape(word)}", MASK, text, flags=re.IGNORECASE
            )
        for password in (each for each in self._passwords if len(each) < _SHORTEST):
            text = re.sub(rf"(?<!\w){re.escape(password)}(?!\w)", MASK, text)
        needles = _Needles(words, numbers, self._passwords)
        for packed in (_DUMP, _TOKEN):
            text = packed.sub(lambda found: MASK if needles.are_in_text(found[0]) else found[0], text)
        return text


def _unescape(text: str) -> str:
    """Return a text of HTML or JSON in the characters that it stands for."""
    return _ESCAPED.sub(
        lambda found: bytes.fromhex(found[0].replace("\\u", "")).decode("utf-16-be", "replace"),
        html.unescape(text),
    )


def _cut(text: str) -> str:
    """Return what is searched of a text: of a long one the beginning, up to a whole word, as half a secret is not recognised."""
    if len(text) <= _MOST_LOOKED_AT:
        return text
    text = text[:_MOST_LOOKED_AT]
    before, _, last = text.rpartition(" ")
    # JSON and some scripts have words without blanks.
    return before if len(last) < _LONGEST_WORD else text.rstrip(_ASCII_WORD)


def mask_marked(text: str, marks: frozenset[int]) -> str:
    """
    Return what somebody said of a message later, without its code.

    Args:
        text: Its words.
        marks: See `Secrets.mark_codes`.
    """
    return _TOLD.sub(lambda found: MASK if hash(_squeeze(found[0])) in marks else found[0], text)


def remove(passwords: Iterable[str], text: str) -> str:
    """Return a text of the debug level, in which only a gateway's own passwords are made unreadable."""
    for password in sorted(filter(None, passwords), key=len, reverse=True):
        text = text.replace(password, MASK)
    return text


class _Needles:
    """
    What is looked for, with everything about it that can be worked out before a text is searched.

    Args:
        words: Squeezed.
        numbers: Digits.
        passwords: As they are: of some, little is left when they are squeezed.
    """

    def __init__(self, words: list[str], numbers: list[str], passwords: list[str]) -> None:
        self.words = words
        self.numbers = numbers
        self.raw = [each.encode() for each in (*words, *numbers)]
        self.exact = [each.lower().encode() for each in passwords if len(each) >= _SHORTEST]
        self.ascii = all(map(str.isascii, words))
        #: Octets of the shortest one; 0 unless all are ASCII, because other words have different lengths in different encodings.
        self._shortest = min(map(len, (*self.raw, *self.exact)), default=0) if self.ascii else 0

    def are_in_text(self, text: str) -> bool:
        """Tell whether one of them is in a text, as it stands or as it was before somebody packed it."""
        if self._are_plainly_in(text):
            return True
        if ("%" in text or "&" in text) and self._are_plainly_in(html.unescape(unquote_plus(text))):
            return True
        return any(map(self._are_in_bytes, _unpack(text, self._shortest)))

    def _are_plainly_in(self, text: str) -> bool:
        squeezed, digits = _squeeze(text), _keep_digits(text)
        return any(word in squeezed for word in self.words) or any(each in digits for each in self.numbers)

    def _are_in_bytes(self, raw: bytes) -> bool:
        # Without the empty octets of UTF-16; and then without signs, as the words are.
        folded = raw.replace(b"\0", b"").lower()
        squeezed = _SIGN_OCTETS.sub(b"", folded)
        if any(each in squeezed for each in self.raw) or any(each in folded for each in self.exact):
            return True
        return not self.ascii and any(
            self._are_plainly_in(raw.decode(coding, "replace"))
            for coding in ("utf-8", "utf-16-be", "utf-16-le")
        )


def _unpack(text: str, shortest: int) -> Iterator[bytes]:
    """
    Yield what this text may have been before somebody packed it, for each place where pairs or groups of it may begin.

    Args:
        text: What may be packed.
        shortest: Octets; what would be shorter when unpacked is left out.
    """
    for found in _HEX.findall(text):
        if len(found) < 2 * shortest:
            continue
        for shift in range(2):
            digits = found[shift:]
            yield bytes.fromhex(digits[: len(digits) & ~1])
    for found in _DUMP.findall(text):
        yield bytes.fromhex("".join(_OCTETS.findall(found)))
    for found in _BASE64.findall(text):
        # Base64 of letters and digits never stays within those of hexadecimal.
        if 3 * len(found) < 4 * shortest or _HEX.fullmatch(found):
            continue
        packed = found.replace("-", "+").replace("_", "/")
        for shift in range(4):
            # One letter alone of a group of four stands for nothing.
            whole = len(packed) - shift - ((len(packed) - shift) % 4 == 1)
            yield a2b_base64(packed[shift : shift + whole] + "==")


def _squeeze(text: str) -> str:
    """Return letters and digits alone, without the differences of case and width."""
    if text.isascii():
        return _SIGNS.sub("", text.lower())
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", fold(text)).casefold()))


def _squeeze_all(words: Iterable[str]) -> list[str]:
    return [short for word in words if len(short := _squeeze(word)) >= _SHORTEST]


def _keep_digits(text: str) -> str:
    if text.isascii():
        return _NO_DIGITS.sub("", text)
    return "".join(filter(str.isdecimal, unicodedata.normalize("NFKC", fold(text))))
