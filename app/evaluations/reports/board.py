"""From results to the board: one line a case, and the numbers the evidence is made of. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.evaluations.reports.cases import question_of
from app.evaluations.reports.models import (
    LABEL_WIDTH,
    LONGEST_SOUGHT,
    MISSING,
    MIXED,
    RIGHT,
    WRONG,
)
from app.graders.label import AROUND


@dataclass(frozen=True, slots=True)
class Line:
    """A case as it stands on the board."""

    number: int
    case_id: int
    question: str
    marks: str
    labels: str
    words: str

    def values(self, run_id: int) -> dict[str, Any]:
        """As the columns of its table."""
        return {
            "run_id": run_id,
            "number": self.number,
            "case_id": self.case_id,
            "question": self.question,
            "marks": self.marks,
            "labels": self.labels,
            "words": self.words,
            "right": self.marks.count(RIGHT),
            "is_split": RIGHT in self.marks and WRONG in self.marks,
        }


@dataclass
class Tally:
    """What is gathered on the way over all cases. Scores and passes are of (contestants, cases,
    repeats), NaN where there is none; `ms` is how long answers took, `mixed` counts (place,
    wanted, found).
    """

    scores: NDArray[np.float64]
    passes: NDArray[np.float64]
    labels: Sequence[str]
    ms: dict[int, list[int]] = field(default_factory=dict)
    mixed: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    @classmethod
    def of(cls, contestants: int, cases: int, repeats: int, labels: Sequence[str]) -> "Tally":
        shape = (contestants, cases, repeats)
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), labels)

    def answers(self) -> int:
        """How many are graded."""
        return int(np.count_nonzero(~np.isnan(self.passes)))


def bare(text: str) -> str:
    """A label in lower case, without what stands around it."""
    return text.casefold().strip(AROUND)


def lines_of(
    cases: Iterable[Any],
    results: Iterable[Any],
    tally: Tally,
    places: Mapping[int, int],
) -> list[Line]:
    """The lines of some cases; what was said of them is added to the tally. `places` are those of
    the contestants by their ids.
    """
    known = {bare(label): at for at, label in enumerate(tally.labels, start=1)}
    by_case: dict[int, list[Any]] = {}
    for one in results:
        by_case.setdefault(one.number, []).append(one)
    return [_line(case, by_case.get(case.number, ()), tally, places, known) for case in cases]


def _line(
    case: Any,
    results: Sequence[Any],
    tally: Tally,
    places: Mapping[int, int],
    known: Mapping[str, int],
) -> Line:
    found = [0] * len(places)
    for one in results:
        place = places[one.contestant_id]
        if one.passed is not None and one.repeat < tally.passes.shape[2]:
            tally.passes[place, case.number - 1, one.repeat] = one.passed
            tally.scores[place, case.number - 1, one.repeat] = (
                float(one.passed) if one.score is None else one.score
            )
        if one.total_ms is not None and not one.is_cached:
            tally.ms.setdefault(place, []).append(one.total_ms)
        if known and one.repeat == 0 and one.text is not None:
            said = one.detail["found"] if one.detail and "found" in one.detail else one.text
            found[place] = known.get(bare(str(said or "")), 0)
            wanted = known.get(bare(case.reference or ""), 0)
            tally.mixed[place, wanted, found[place]] += 1
    question, reference = question_of(case.messages), case.reference or ""
    answers = {one.text for one in results if one.text}
    return Line(
        number=case.number,
        case_id=case.id,
        question=question,
        marks="".join(_mark(tally.passes[place, case.number - 1]) for place in range(len(places))),
        labels="".join(f"{at:0{LABEL_WIDTH}d}" for at in found) if known else "",
        words="\n".join([question, reference[:LONGEST_SOUGHT], *sorted(answers)]).lower(),
    )


def _mark(passes: NDArray[np.float64]) -> str:
    there = passes[~np.isnan(passes)]
    if not len(there):
        return MISSING
    return RIGHT if there.all() else MIXED if there.any() else WRONG
