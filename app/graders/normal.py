"""What may be passed over where two texts are compared."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from app.graders.settings import setting

Ignorable = Literal["case", "accents", "punctuation", "articles", "space"]
IGNORABLE: dict[str, str] = {
    "case": "capitals",
    "accents": "accents",
    "punctuation": "punctuation and signs",
    "articles": "the articles a, an, the",
    "space": "spaces at the ends, and how many",
}
SIGNS = re.compile(r"[^\w\s]|_")
ARTICLES = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)


def ignoring() -> list[Ignorable]:
    """The setting, the same wherever texts are compared."""
    chosen: list[Ignorable] = setting(
        "choices", "Ignore", "Differences that do not count.", default=[], choices=IGNORABLE
    )
    return chosen


def normal(text: str, ignore: Sequence[Ignorable]) -> str:
    """The text without what is ignored; all of it but accents is how SQuAD compares answers.

    Rajpurkar et al. 2016: lower case, punctuation out, articles out, spaces made one.
    """
    if "case" in ignore:
        text = text.casefold()
    if "accents" in ignore:
        letters = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in letters if not unicodedata.combining(letter))
    if "punctuation" in ignore:
        text = SIGNS.sub("", text)
    if "articles" in ignore:
        text = ARTICLES.sub(" ", text)
    return " ".join(text.split()) if "space" in ignore else text
