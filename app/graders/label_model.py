"""`label_model`: a model puts a label on the answer; some labels pass."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from app.graders.base import Answer, Case, JsonObject, Score
from app.graders.judge import HOW, MESSAGES, Ask, Judge
from app.graders.messages import JudgeMessage, chat_messages
from app.graders.sampling import sampling
from app.graders.settings import setting


class LabelModel(Judge):
    """1 where the judge's label is one of `passing_labels`, else 0."""

    title = "Judge with labels"
    purpose = "A model puts one of your labels on the answer: 1 where that one passes, else 0."

    type: Literal["label_model"]
    input: Annotated[list[JudgeMessage], Field(min_length=1)] = setting(
        "messages", "What the judge is told", MESSAGES
    )
    labels: Annotated[list[str], Field(min_length=1)] = setting(
        "texts", "Labels", "What the judge may answer."
    )
    passing_labels: list[str] = setting(
        "texts", "Labels that pass", "Those of the labels that a good answer has."
    )

    @field_validator("passing_labels")
    @classmethod
    def _are_labels(cls, passing: list[str], info: ValidationInfo) -> list[str]:
        labels = info.data.get("labels", passing)
        for label in passing:
            if label not in labels:
                raise ValueError(f"'{label}' is none of the labels: {', '.join(labels)}.")
        return passing

    def ask(self, case: Case, answer: Answer, *, seed: int = 0) -> Ask:  # noqa: ARG002 - no lot
        how = HOW.format(f"one of {', '.join(map(json.dumps, self.labels))}")
        return Ask(chat_messages(self.input, case, answer, how), sampling(None))

    def verdict(self, result: Any, ask: Ask) -> tuple[float, JsonObject]:  # noqa: ARG002
        said = str(result).strip()
        exact = [label for label in self.labels if label == said]
        near = [label for label in self.labels if label.casefold() == said.casefold()]
        if len(found := exact[:1] or near) != 1:
            raise ValueError(f"Its result is none of the labels: {', '.join(self.labels)}.")
        return float(found[0] in self.passing_labels), {"label": found[0]}

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`labels`: how often each was given."""
        given = Counter(score.detail["label"] for score in scores)
        return {"labels": {label: given[label] for label in self.labels}}
