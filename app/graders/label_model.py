"""`label_model`: a model puts a label on the answer; some labels pass."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from app.graders.base import Grader
from app.graders.messages import JudgeMessage
from app.graders.score_model import JUDGE, MESSAGES, NO_JUDGE
from app.graders.settings import setting


class LabelModel(Grader):
    """1 where the judge's label is one of `passing_labels`, else 0."""

    title = "Judge with labels"
    purpose = "A model puts one of your labels on the answer: 1 where that one passes, else 0."

    type: Literal["label_model"]
    model: str = setting("text", "Judge", JUDGE)
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

    def obstacle(self) -> str | None:
        return NO_JUDGE.format(self.type)
