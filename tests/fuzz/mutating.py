"""Cases for readers of foreign bytes: valid examples, changed in the ways in which bytes go wrong or are made to."""

from collections.abc import Sequence
from random import Random

#: Values at which lengths, counts and codes turn over.
_EDGES = (0, 1, 9, 10, 13, 32, 34, 39, 45, 58, 92, 127, 128, 239, 254, 255)
_NUMBERS = (b"0", b"-1", b"1", b"255", b"256", b"65535", b"2147483648", b"4294967296", b"1e309", b"9" * 40)
#: Bytes of a case; readers have bounds of their own, which a few cases exceed.
_LONGEST = 200_000


def mutate(random: Random, examples: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """
    Return one case.

    Args:
        random: Decides everything.
        examples: What is changed; at least one.
        tokens: What means something to the reader, to be put anywhere.
    """
    data = bytearray(random.choice(examples))
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        _change(random, data, examples, tokens)
    return bytes(data[:_LONGEST])


def _change(random: Random, data: bytearray, examples: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    place = random.randrange(len(data) + 1)
    end = min(len(data), place + random.choice((1, 1, 2, 4, 16, 64)))
    match random.randrange(11):
        case 0 if data:
            data[min(place, len(data) - 1)] ^= 1 << random.randrange(8)
        case 1 if data:
            data[min(place, len(data) - 1)] = random.choice(_EDGES)
        case 2:
            data[place:place] = random.randbytes(random.choice((1, 2, 8)))
        case 3:
            del data[place:end]
        case 4:
            data[place:place] = data[place:end] * random.choice((1, 2, 20, 300))
        case 5:
            del data[place:]
        case 6:
            other = random.choice(examples)
            data[place:] = other[random.randrange(len(other) + 1) :]
        case 7:
            data[place:end] = random.choice(_NUMBERS)
        case 8:
            data[place:end] = random.choice("\u00e9\u0130\u2028\ufeff\U0001f600\u0660\ud800").encode(
                errors="surrogatepass"
            )
        case _:
            token = random.choice(tokens)
            data[place : random.choice((place, end))] = token * random.choice((1, 1, 1, 1, 2, 50))
