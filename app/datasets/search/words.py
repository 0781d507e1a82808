"""What people type into a search, as FTS5 asks for it, and how texts are cut into words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.errors import WrongInput

TOKENIZER = "unicode61 remove_diacritics 2"
# The columns of a search file, with the roles whose texts stand in each; `field` has all others.
ROLES = {
    "system": ("system", "developer"),
    "user": ("user",),
    "assistant": ("assistant",),
    "rejected": ("rejected",),
    "call": ("call",),
    "tool": ("tool", "function"),
    "field": (),
}
COLUMN_OF = {role: column for column, roles in ROLES.items() for role in roles}
SHORTEST_BEGINNING = 3

_TYPED = re.compile(r'(-?)"([^"]*)"?|(-?)([^\s"]+)')
# Thai, Lao, Burmese, Khmer, kana, bopomofo and Han: written without spaces, so each letter is a
# word, and what people call a word is a phrase.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
# The first bytes of these letters in UTF-8, and all other bytes: what a look at each is saved by.
_FIRST = bytes((0xE0, 0xE1, *range(0xE3, 0xEA), 0xEF, 0xF0))
_OTHERS = bytes(set(range(256)) - set(_FIRST))
_SPACE = "\u200b"  # no letter to FTS5, and no width on a page


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: expressions of FTS5, one a word or phrase."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ()
    role: str | None = None

    @property
    def rows(self) -> str:
        """The rows that have all of it and nothing unwanted, in texts of the role."""
        said = " AND ".join(self.wanted) + "".join(f" NOT {one}" for one in self.unwanted)
        return self._in_role(said)

    @property
    def whole(self) -> str:
        """Where beginnings are looked for too: the rows that have the wanted words and phrases that
        do not go on; empty where there are none.
        """
        whole = [one for one in self.wanted if not one.endswith("*")]
        goes_on = len(whole) < len(self.wanted) or any(one.endswith("*") for one in self.unwanted)
        return self._in_role(" AND ".join(whole)) if whole and goes_on else ""

    @property
    def places(self) -> str:
        """The places within a text that answer."""
        return " OR ".join(self.wanted)

    def _in_role(self, said: str) -> str:
        return f"{{{self.role}}} : ({said})" if self.role else said


def question_of(typed: str, role: str | None = None) -> Question:
    """All words must occur, a quoted phrase as it stands; `-word` must not, `begin*` may go on.

    Capitals and accents count for nothing. Raises WrongInput.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for minus, phrase, minus_too, word in _TYPED.findall(typed):
        one = _expression(phrase or word, may_go_on=bool(word))
        if one is not None:
            (unwanted if minus or minus_too else wanted).append(one)
    if not wanted:
        why = "letters or digits are needed" if not unwanted else "a word that is to occur too"
        raise WrongInput.field("q", f"Nothing to look for: {why}.")
    return Question(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)), role)


def _expression(text: str, *, may_go_on: bool) -> str | None:
    if not any(map(str.isalnum, text)):
        return None
    goes_on = may_go_on and text.endswith("*")
    if goes_on and sum(map(str.isalnum, text)) < SHORTEST_BEGINNING:
        raise WrongInput.field("q", f"At least {SHORTEST_BEGINNING} letters before the star.")
    return f'"{spaced(text)}"{"*" if goes_on else ""}'


def spaced(text: str) -> str:
    """A text whose every word FTS5 sees, also where it is written without spaces."""
    if text.isascii() or not text.encode("utf-8", "surrogatepass").translate(None, _OTHERS):
        return text
    return _UNSPACED.sub(f"{_SPACE}\\g<0>{_SPACE}", text)


def unspaced(text: str) -> str:
    """The same text as people read it."""
    return text.replace(_SPACE, "")


def column_of(role: str) -> str:
    """The column that holds the texts of a role."""
    return COLUMN_OF.get(role, "field")


def joined(texts: Iterable[str]) -> str:
    """Texts of one column. What stands between them is a word that nobody types: a phrase does not
    go on from one text to the next.
    """
    return " \ue000 ".join(map(spaced, texts))
