"""English for people, where a number decides about a word."""


def agree(number: float, one: str, many: str = "") -> str:
    """
    Return the words that agree with a number.

    Args:
        number: How many there are; what is written before the words.
        one: The words after 1.
        many: The words after any other number; empty: those after 1 and an ``s``.
    """
    return one if number == 1 else many or f"{one}s"
