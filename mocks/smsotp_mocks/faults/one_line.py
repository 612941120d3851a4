"""Reads and writes the one-line form of fault rules. The grammar is in `faults.plan`."""

import re
from collections.abc import Iterator
from typing import Any

from smsotp_mocks.faults.words import ACTIONS, BadFault, Fault, Rule

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)?")
_INTEGER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}")
#: A rule's end, or a word: pieces in quotation marks and pieces without, joined as a shell joins them.
_WORD = re.compile(r"""\s*(;|(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s;"'\\])+)""", re.DOTALL)
_PIECE = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|([^"'\\]+)""", re.DOTALL)
_MOST_QUOTED = 200  # characters of a rule that is wrong
_CLAUSES = frozenset({"at", "for", "nth", "once", "times"})


class _Quoted(str):
    """A word in quotation marks: always a text, whatever it says."""

    __slots__ = ()


def parse_rules(text: str) -> list[Rule]:
    """
    Read rules from their one-line form.

    Raises:
        BadFault: With the rule that is wrong, and what was expected.
    """
    words = _read_words(text)
    rules = [_parse(list(rule)) for rule in _split(words)]
    if not rules:
        raise BadFault(f"No fault is named. The words are: {', '.join(ACTIONS)}.")
    return rules


def write_rule(rule: Rule) -> str:
    """Return the one-line form of a rule."""
    fault = rule.fault
    words = [fault.action]
    if fault.action == "delay":
        words.append(f"{fault.seconds:.6f}".rstrip("0").rstrip(".") + "s")
    if fault.bytes is not None:
        words.append(str(fault.bytes))
    if fault.code is not None:
        words.append(hex(fault.code) if fault.action == "smpp-status" else str(fault.code))
    if ACTIONS[fault.action].choices:
        words.append(str(fault.text))
    elif fault.text is not None:
        words.append('"' + fault.text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    if rule.stage is not None:
        words += ["at", rule.stage]
    if rule.number is not None:
        words += ["for", rule.number]
    if rule.nth is not None:
        words += ["nth", str(rule.nth)]
    if rule.times is not None:
        words += ["once"] if rule.times == 1 else [str(rule.times), "times"]
    return " ".join(words)


def _read_words(text: str) -> list[str]:
    words: list[str] = []
    at = 0
    while found := _WORD.match(text, at):
        at = found.end()
        word = _PIECE.sub(_read_bare, found[1])
        words.append(_Quoted(word) if set(found[1]) & {'"', "'"} else word)
    if text[at:].strip():
        raise BadFault(f"A quotation mark is missing its partner in: {text}")
    return words


def _read_bare(piece: re.Match[str]) -> str:
    """Return a piece of a word without its quotation marks and escapes."""
    if piece[1] is not None:
        return re.sub(r'\\(["\\])', r"\1", piece[1])
    return piece[2] or piece[3] or piece[4] or ""


def _split(words: list[str]) -> Iterator[list[str]]:
    rule: list[str] = []
    for word in [*words, ";"]:
        if word == ";" and not isinstance(word, _Quoted):
            if rule:
                yield rule
            rule = []
        else:
            rule.append(word)


def _parse(words: list[str]) -> Rule:
    whole = " ".join(words)[:_MOST_QUOTED]
    if words[0] == "then":
        words.pop(0)
    if not words:
        raise BadFault("A fault is missing after 'then'.")
    try:
        fault = _read_fault(words.pop(0), words)
        return _add_clauses(fault, words)
    except IndexError:
        raise BadFault(f"Something is missing at the end of: {whole}") from None
    except BadFault as error:
        raise BadFault(f"{error} In: {whole}") from None


def _read_fault(action: str, words: list[str]) -> Fault:
    known = ACTIONS.get(action)
    if known is None or known.argument == "none":
        return Fault(action)
    if known.optional and not (words and _INTEGER.fullmatch(words[0]) and words[1:2] != ["times"]):
        return Fault(action)
    if known.argument == "seconds":
        return Fault(action, seconds=_read_seconds(words.pop(0)))
    if known.argument == "bytes":
        return Fault(action, bytes=_read_integer(words.pop(0)))
    if known.argument == "word":
        return Fault(action, text=str(words.pop(0)))
    code = _read_integer(words.pop(0))
    is_text = bool(words) and (
        isinstance(words[0], _Quoted) or (words[0] not in _CLAUSES and words[1:2] != ["times"])
    )
    return Fault(action, code=code, text=str(words.pop(0)) if is_text else None)


def _add_clauses(fault: Fault, words: list[str]) -> Rule:
    clauses: dict[str, Any] = {}
    while words:
        word = words.pop(0)
        value: str | int
        if word in ("for", "at"):
            name, value = word, words.pop(0)
        elif word == "nth":
            name, value = word, _read_integer(words.pop(0))
        elif word == "once":
            name, value = "times", 1
        elif words[:1] == ["times"]:
            name, value = words.pop(0), _read_integer(word)
        else:
            raise BadFault(f"{word[:40]!r} is not understood; 'at', 'for', 'nth', 'N times' and 'once' are.")
        if name in clauses:
            raise BadFault(f"A rule can have {name!r} only once.")
        clauses[name] = value
    return Rule(fault, clauses.get("for"), clauses.get("nth"), clauses.get("times"), clauses.get("at"))


def _read_seconds(word: str) -> float:
    found = _DURATION.fullmatch(word)
    if not found:
        raise BadFault(f"{word!r} is not a duration, such as 2s or 250ms.")
    return float(found.group(1)) / (1000 if found.group(2) == "ms" else 1)


def _read_integer(word: str) -> int:
    if not _INTEGER.fullmatch(word):
        raise BadFault(f"{word[:40]!r} is not a number of at most 20 digits, such as 503 or 0x58.")
    return int(word, 16 if word[:2].lower() == "0x" else 10)
