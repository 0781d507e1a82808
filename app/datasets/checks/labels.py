"""Where answers are labels: how the rows spread over them."""

from collections.abc import Iterator

from app.datasets.checks.base import Located, Seen, Tally
from app.formats.base import Finding

FEWEST_EXAMPLES = 10
_MEAN_EXAMPLES = 2
_NAMED = 5


def labels_of(tally: Tally) -> tuple[tuple[str, int], ...] | None:
    """The labels by how often, commonest first, or None where the answers are no labels.

    They are labels when there are at most 200 different ones, all short, each met twice on
    average, and nine rows in ten have one.
    """
    labels = tally.labels
    if not labels or len(labels) == 1:
        return None
    rows = sum(labels.values())
    if rows < _MEAN_EXAMPLES * len(labels) or tally.unlabelled * 9 > rows:
        return None
    return tuple(sorted(labels.items(), key=lambda item: (-item[1], item[0])))


class SmallLabels:
    """Labels with too few examples to learn."""

    name = "labels"

    def findings(self, seen: Seen) -> Iterator[Located]:
        """One hint for the file, naming the smallest."""
        small = [pair for pair in labels_of(seen.tally) or () if pair[1] < FEWEST_EXAMPLES]
        if not small:
            return
        named = ", ".join(f"{label} ({count})" for label, count in small[::-1][:_NAMED])
        more = f" and {len(small) - _NAMED} more" if len(small) > _NAMED else ""
        has = "label has" if len(small) == 1 else "labels have"
        reason = f"{len(small)} {has} fewer than {FEWEST_EXAMPLES} examples: {named}{more}."
        cure = "Add examples of these labels, or merge them with a neighbour."
        yield None, Finding("label.few", None, "hint", reason, cure)
