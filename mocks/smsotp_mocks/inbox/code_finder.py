"""Finding the one-time code in the text of an SMS, as a phone's keyboard suggestion would."""

import re

from smsotp_mocks.inbox.characters import simplify

_ORIGIN_BOUND = re.compile(r"^@\S+ #([0-9A-Za-z]{3,16})", re.MULTILINE)
_WHOLE = re.compile(r"#?([0-9A-Za-z]{3,16})")
#: A number with its country code is nobody's code, however it is grouped.
_PHONE_NUMBER = re.compile(r"\+[0-9](?:[ ()/.-]{0,3}[0-9]){6,14}(?![0-9])")
#: A candidate stands alone: no letter, digit or "+" touches it, so that parts of numbers and links are left out.
_ALONE = r"(?<![0-9A-Za-z+/.,:@#_-]){}(?![0-9A-Za-z/:@_-]|[.,][0-9])"
_USUAL = re.compile(
    _ALONE.format(r"(?:[0-9]{6,8}|[0-9]{3}[ -][0-9]{3}|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{6,12})")
)
_SHORT_OR_LONG = re.compile(_ALONE.format(r"(?:[0-9]{4,5}|[0-9]{9,10})"))
_LETTERS = re.compile(_ALONE.format(r"[A-Z]{6,12}"))
_WORDS = (
    r"(?:(?:[^\W_]+-?)?(?:code|passcode|password|passwort|kennwort|otp|m?tan|pin|token|kode?|koodisi|c[oó]digo|codice)"
    r"|clave|contraseña|mot de passe|wachtwoord|код|пароль)"
)
_BEGINS = r"(?<![^\W_])(?<!zip )(?<!area )(?<!postal )(?<!country )(?!post-?code|zip-?code|bar-?code)"
#: What a sender calls the code. The code of a place or a thing, such as a zip code, is not meant.
_NAME = rf"(?i:{_BEGINS}{_WORDS}(?:\b|(?=_))|验证码|校验码|驗證碼|認証コード|인증번호)"
#: Without a blank in between.
_GLUED = re.compile(rf"(?i:{_BEGINS}{_WORDS})([0-9]{{4,10}})(?![0-9A-Za-z/:@_-]|[.,][0-9])")
_VERB = r"(?i:(?<=[\s)])(?:is|are|follows|ist|lautet|lauten|est|es|er|è|é|=)(?=[\s:=]))"
_SEPARATORS = r"(?:[\s:;=\"'\u201c\u201e\u00ab\u00bb\u2192\u2116<>#*(\[/_-]|\.(?=\S)){0,5}"
#: Digits, perhaps in groups of one length; hyphens may also stand between groups of capitals and digits.
_DIGITS = (
    r"[0-9](?:[ -][0-9]){3,9}(?![ -]?[0-9])|[0-9]{2}(?:[ -][0-9]{2}){2,4}(?![ -]?[0-9])|"
    r"[0-9]{3}[ -][0-9]{3}(?:[ -][0-9]{3})?(?![ -]?[0-9])|[0-9]{4}[ -][0-9]{4}(?![ -]?[0-9])|[0-9]{4,10}"
)
_CODE = (
    rf"({_DIGITS}|(?=[A-Z-]*[0-9])(?=[0-9-]*[A-Z])[0-9A-Z]{{2,4}}(?:-[0-9A-Z]{{2,4}}){{1,3}}|"
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[0-9A-Za-z]{4,12}|[A-Z]{6,12})"
)
_END = r"(?![0-9A-Za-z/@_]|:[0-9]|[.,-][0-9])"
#: To the end of the sentence.
_ON = r"(?:(?![.!?]\s)[^\n]){0,120}?"
_NAMED = re.compile(rf"{_NAME}(?:{_ON}{_VERB}|\s*(?i:nr\.?|no\.?|number|on|to))?{_SEPARATORS}{_CODE}{_END}")
_IS_NAMED = re.compile(
    _ALONE.format(r"([0-9]{4,10}|[0-9]{3}[ -][0-9]{3})") + rf"\s{_VERB}[^.,!?\n0-9]{{0,60}}{_NAME}"
)
_TO_TYPE = re.compile(
    rf"(?i:\b(?:enter|type|use|gib|geben sie|saisissez|entrez|introduzca|introduce|inserisci)) {_CODE}{_END}"
)
#: A letter or a word of capitals before the code, as the senders of "G-123456" have it; only the digits are typed.
_PREFIXED = re.compile(r"(?<![0-9A-Za-z+/.,:@#_-])[A-Z]{1,5}-([0-9]{4,8})(?![0-9A-Za-z/:@_-]|[.,][0-9])")


def find_code(text: str) -> str:
    """
    Return the one-time code in a text, or an empty string.

    Looked for in this order: the last line of an origin-bound text (``@example.com #123456``), a text that is nothing
    but a code, what stands behind a word such as code, OTP, TAN or PIN (``OTP123456`` too), digits that are said to be one
    (``123456 is your code``), digits behind a capital and a hyphen (``G-123456``), what is to be entered, six to eight
    digits (also ``123-456``) or capitals mixed with digits, other runs of four to ten digits, a word of capitals. The first
    hit wins.
    """
    text = _PHONE_NUMBER.sub(" ", simplify(text))
    bound = _ORIGIN_BOUND.search(text)
    if bound:
        return bound.group(1)
    if glued := _GLUED.fullmatch(text.strip()):
        return glued[1]
    if whole := _WHOLE.fullmatch(text.strip()):
        return whole[1]
    for pattern in (_NAMED, _GLUED, _IS_NAMED, _PREFIXED, _TO_TYPE):
        if found := pattern.search(text):
            return _strip(found[1])
    for pattern in (_USUAL, _SHORT_OR_LONG, _LETTERS):
        found = pattern.search(text)
        if found:
            return _strip(found[0])
    return ""


def _strip(code: str) -> str:
    return code.replace(" ", "").replace("-", "")
