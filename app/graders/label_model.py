"""`label_model`: a model puts a label on the answer; some labels pass."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from app.graders.base import Grader
from app.graders.messages import JudgeMessage
from app.graders.score_model import NO_JUDGE


class LabelModel(Grader):
    """1 where the judge's label is one of `passing_labels`, else 0."""

    type: Literal["label_model"]
    model: str
    input: Annotated[list[JudgeMessage], Field(min_length=1)]
    labels: Annotated[list[str], Field(min_length=1)]
    passing_labels: list[str]

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
