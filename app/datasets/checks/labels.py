"""Where answers are labels: how the rows spread over them."""

from collections.abc import Iterator, Mapping

from app.datasets.checks.base import Located, Seen, Tally
from app.formats.base import Finding

FEWEST_EXAMPLES = 10
_MEAN_EXAMPLES = 2
_NAMED = 5

Ranks = tuple[tuple[str, int], ...]  # values, the commonest first, with their rows


def labels_of(tally: Tally) -> Ranks | None:
    """The labels by how often, commonest first, or None where the answers are no labels.

    They are labels when there are at most 200 different ones, all short, each met twice on
    average, and nine rows in ten have one.
    """
    labels = tally.labels or {}
    return _ranked(labels) if tally.unlabelled * 9 <= sum(labels.values()) else None


def tags_of(tally: Tally) -> tuple[tuple[str, Ranks], ...]:
    """The fields beside rows whose values sort them into kinds, by the measure of labels: each with
    its values by how often.
    """
    ranked = ((name, _ranked(counts or {})) for name, counts in tally.tags.items())
    return tuple((name, ranks) for name, ranks in ranked if ranks is not None)


def _ranked(counts: Mapping[str, int]) -> Ranks | None:
    if len(counts) <= 1 or sum(counts.values()) < _MEAN_EXAMPLES * len(counts):
        return None
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


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
