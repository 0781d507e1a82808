"""Labels of which one has so many rows that guessing it is nearly always right."""

from collections.abc import Iterator

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.derived.base import Part
from app.datasets.index import open_index
from app.formats.base import Finding
from app.formats.words import quoted

_UNEVEN = 10  # times as many rows as the rarest label


class UnevenLabels(DeepCheck):
    """The commonest label beside the rarest, where the first check found labels."""

    name = "uneven_labels"

    def end(self, part: Part) -> Iterator[Located]:
        """One hint for the file, naming the two."""
        with open_index(part.index) as index:
            labels = index.facts["verdict"]["labels"]
        if not labels or labels[0][1] < _UNEVEN * labels[-1][1]:
            return
        (usual, most), (rare, fewest) = labels[0], labels[-1]
        share = most / sum(count for _, count in labels)
        reason = (
            f"The labels are uneven: {quoted(usual)} has {most:,} rows ({share:.0%}), "
            f"{quoted(rare)} has {fewest:,}."
        )
        cure = "Add rows of the rare labels: a tuned model leans to the common ones."
        yield None, Finding("label.uneven", None, "hint", reason, cure)
