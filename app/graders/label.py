"""`label`: does the text carry the right label; of many, accuracy, macro-F1 and the confusion."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.graders.base import Answer, Case, JsonObject, Score, Ungradable
from app.graders.settings import setting
from app.graders.texts import Compares

LONGEST = 100
"""Characters of a label."""
AROUND = " \t\r\n*_`~'\"“”‘’„«»‹›.,;:!?…()[]{}<>|"
"""What stands around a label and is not of it; in C++, A- and +1 the signs are."""

LabelText = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Label(Compares):
    """1 where the label found is the reference's, else 0, whatever its case and what is around."""

    title = "Label"
    purpose = "Does the text carry the right label: 1 or 0; of many, accuracy and macro-F1."

    type: Literal["label"]
    labels: list[LabelText] = setting(
        "texts",
        "Labels",
        "All there are. Without any, the text itself is the label.",
        default=[],
        example=["refund", "delivery", "other"],
    )
    find: Literal["whole", "within"] = setting(
        "choice",
        "The label is",
        "Within a longer text, a label counts if it is the only one there.",
        default="whole",
        choices={"whole": "the whole text", "within": "somewhere in the text"},
    )

    @model_validator(mode="after")
    def _can_find(self) -> Self:
        if self.find == "within" and not self.labels:
            raise ValueError("'find' within a text needs 'labels' to look for.")
        bare = Counter(map(without_marks, self.labels))
        if twins := [label for label, count in bare.items() if count > 1 or not label]:
            raise ValueError(
                f"'labels' has '{twins[0]}' twice; case and punctuation around do not count."
            )
        return self

    def score(self, case: Case, answer: Answer) -> Score:
        wanted = self._known(self.wanted(case, answer))
        if wanted is None:
            raise Ungradable("other_error", "The reference is none of the labels.")
        text = self.given(case, answer)
        found = self._within(text) if self.find == "within" else self._known(text)
        return Score(float(found == wanted), detail={"found": found, "wanted": wanted})

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`accuracy`; `macro_f1`, the plain mean of the labels' F1, over all that were wanted or
        found; `confusion`: [wanted, found or null, how often].
        """
        pairs = Counter((score.detail["wanted"], score.detail["found"]) for score in scores)
        wanted, found = Counter[str](), Counter[str | None]()
        for (one, other), count in pairs.items():
            wanted[one] += count
            found[other] += count
        labels = sorted({*wanted, *(label for label in found if label is not None)})
        f1 = [2 * pairs[label, label] / (wanted[label] + found[label]) for label in labels]
        right = sum(pairs[label, label] for label in labels)
        table = sorted(pairs.items(), key=lambda entry: (entry[0][0], entry[0][1] or ""))
        return {
            "accuracy": right / len(scores) if scores else None,
            "macro_f1": sum(f1) / len(f1) if f1 else None,
            "confusion": [[one, other, count] for (one, other), count in table],
        }

    @cached_property
    def _by_bare(self) -> dict[str, str]:
        return {without_marks(label): label for label in self.labels}

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        """The longest first, so that "card lost" is not "card"."""
        longest_first = sorted(self._by_bare, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def _known(self, text: str) -> str | None:
        bare = without_marks(text)
        return self._by_bare.get(bare) if self.labels else bare[:LONGEST]

    def _within(self, text: str) -> str | None:
        found = {match[0] for match in self._anywhere.finditer(text.casefold())}
        return self._by_bare[found.pop()] if len(found) == 1 else None


def without_marks(text: str) -> str:
    """The text in lower case without what stands around it: **Refund.** is refund."""
    return text.casefold().strip(AROUND)
