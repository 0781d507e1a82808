"""Rows that ask the same and are answered differently: what is right the model cannot tell."""

from collections.abc import Iterator

import numpy as np

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.checks.deep.rows import open_rows
from app.datasets.checks.deep.sketches import column
from app.datasets.derived.base import Part
from app.formats.base import Finding

SHORT = 12  # words and marks: an answer that is a label, a number or a name, not a text
_TOGETHER = 10_000


class Contradictions(DeepCheck):
    """Equal questions, case and spaces aside, what stands before them included."""

    name = "contradictions"

    def end(self, part: Part) -> Iterator[Located]:
        """For each row that answers otherwise than the first that asks the same: a warning where
        both answers are short, a hint where they are texts.
        """
        numbers, answer, length = (
            column(part.connection, name) for name in ("n", "answer", "length")
        )
        prompt = column(part.connection, "prompt")
        _, first, same = np.unique(prompt, return_index=True, return_inverse=True)
        first = first[same]
        differ = np.flatnonzero((prompt != 0) & (answer != answer[first]))
        is_short = np.maximum(length, length[first]) <= SHORT
        with open_rows(part.blob, part.index) as rows:
            for start in range(0, len(differ), _TOGETHER):
                some = differ[start : start + _TOGETHER]
                wanted = np.unique(np.concatenate((some, first[some])))
                found = {place.n: place.line for place in rows.places(numbers[wanted].tolist())}
                for row in some.tolist():
                    line, other = found[int(numbers[row])], found[int(numbers[first[row]])]
                    yield line, _short(other) if is_short[row] else _long(other)
                part.alive()


def _short(line: int) -> Finding:
    return Finding(
        "answer.contradicts",
        None,
        "warning",
        f"The same question as row {line:,}, and another answer. Training pulls both ways.",
        "Decide which answer is right, and correct or drop the other row.",
    )


def _long(line: int) -> Finding:
    return Finding(
        "answer.differs",
        None,
        "hint",
        f"The same question as row {line:,}, and another answer.",
        "Keep both where the variety is meant; else keep the better one.",
    )
