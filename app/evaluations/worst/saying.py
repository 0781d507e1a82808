"""What the training rows nearest to a case come to, beside its reference. Pure."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from app.graders.label import without_marks

# Below it two questions share hardly more than common words.
FAR = 0.25
LONGEST_LABEL = 100


class Says(StrEnum):
    """What the nearest rows say: nothing there, another answer, several answers, the right one;
    or they are texts, which only a person can compare.
    """

    ABSENT = "absent"
    OTHERWISE = "otherwise"
    SPLIT = "split"
    AGREES = "agrees"
    TEXTS = "texts"


class Neighbour(NamedTuple):
    """A training row near a case: the `n`-th of its version, on this line. `answer` is its
    beginning.
    """

    n: int
    line: int
    likeness: float
    answer: str


NEXT = {
    Says.ABSENT: "Add rows that ask this.",
    Says.OTHERWISE: "Either these rows are labelled wrongly, or the reference is.",
    Says.SPLIT: "Where they ask the same, correct those that are wrong; else it takes more rows.",
    Says.AGREES: "It stands there to be learned: more such rows, more epochs or a larger model.",
    Says.TEXTS: "",
}


def says_of(near: Sequence[Neighbour], reference: str | None) -> Says:
    """What the rows come to. Those further away than FAR have no say."""
    heard = _heard(near)
    if not heard:
        return Says.ABSENT
    if not is_label(reference) or not all(is_label(one.answer) for one in heard):
        return Says.TEXTS
    counts = Counter(without_marks(one.answer) for one in heard)
    agreeing = counts[without_marks(reference or "")]
    if 2 * agreeing > len(heard):
        return Says.AGREES
    most = counts.most_common(1)[0][1]
    return Says.OTHERWISE if not agreeing or 2 * most > len(heard) else Says.SPLIT


def sentence(near: Sequence[Neighbour], reference: str | None) -> str:
    """The same in one line, with its full stop."""
    said, heard = says_of(near, reference), _heard(near)
    if said is Says.ABSENT:
        nearest = f"the nearest has a likeness of {near[0].likeness:.2f}" if near else "none at all"
        return f"No training row is like it: {nearest}."
    if said is Says.TEXTS:
        return f"The nearest training row has a likeness of {heard[0].likeness:.2f}."
    counts = Counter(without_marks(one.answer) for one in heard)
    words = {without_marks(one.answer): one.answer.strip() for one in reversed(heard)}
    told = [(words[key], count) for key, count in counts.most_common()]
    right = (reference or "").strip()
    if said is Says.AGREES:
        return f"{_of(counts[without_marks(right)], len(heard))} {right}, as the reference does."
    if len(told) == 1 or (said is Says.OTHERWISE and 2 * told[0][1] > len(heard)):
        answer, count = told[0]
        return f"{_of(count, len(heard))} {answer}, the reference says {right}."
    listed = ", ".join(f"{count} {_say(count)} {answer}" for answer, count in told)
    return f"The nearest training rows disagree: {listed}. The reference says {right}."


def is_label(text: str | None) -> bool:
    """True of an answer that can be compared with another as it is."""
    return bool(text) and len(text or "") <= LONGEST_LABEL and "\n" not in (text or "")


def _heard(near: Sequence[Neighbour]) -> list[Neighbour]:
    return [one for one in near if one.likeness >= FAR]


def _of(count: int, heard: int) -> str:
    if heard == 1:
        return "The nearest training row says"
    how = f"All {heard}" if count == heard else f"{count} of the {heard}"
    return f"{how} nearest training rows {_say(count)}"


def _say(count: int) -> str:
    return "says" if count == 1 else "say"
