"""Chance that falls the same way for the same words."""

import hashlib
import random
import string
from typing import Any

LETTERS = string.ascii_letters + string.digits


def of(*words: Any) -> random.Random:
    """Dice of their own for whatever these words name."""
    return random.Random("/".join(map(str, words)))  # noqa: S311 - nothing secret


def token(*words: Any, length: int = 24) -> str:
    """The letters of an id; the last is a digit, so that an id can be known in a path."""
    roll = of(*words)
    return "".join([*roll.choices(LETTERS, k=length - 1), *roll.choices(string.digits)])


def quick(*words: Any) -> str:
    """The letters of an id of which there are very many: 24 of hexadecimal."""
    return hashlib.blake2b("/".join(map(str, words)).encode(), digest_size=12).hexdigest()
