"""What is fuzzed: a reader of foreign bytes, and what it may do with any bytes at all."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: What a refusal repeats of the case is left out of its outcome.
_VARIABLE = re.compile(r"[0-9]+|\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, slots=True)
class Reader:
    """
    A reader of foreign bytes.

    Attributes:
        name: Of its folder in the corpus.
        examples: Valid bytes of each kind that it reads.
        tokens: What means something to it.
        read: Reads a case, and returns in a word what came of it. Whatever it raises is a fault of the reader.
    """

    name: str
    examples: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    read: Callable[[bytes], str]


def describe(exc: Exception) -> str:
    """Return what came of a case that was refused in order: the kind and the words, without what is the case's own."""
    return f"{type(exc).__name__} {_VARIABLE.sub('*', str(exc))[:80]}"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what readers log of hostile bytes out of the output."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
