"""`price`: did the answer cost no more than it may."""

from collections.abc import Sequence
from typing import Literal

from app.graders.base import Answer, Case, Grader, JsonObject, Score, Ungradable
from app.graders.settings import setting

A_DOLLAR = 1_000_000
UNKNOWN = "Nobody knows what this answer cost: only answers of models with a price have one."


class Price(Grader):
    """1 where the answer cost at most so many dollars, else 0."""

    title = "Price"
    purpose = "Did the answer cost at most so many dollars: 1 or 0."

    type: Literal["price"]
    most_dollars: float = setting(
        "number", "Dollars at most", "Of one answer, question included.", minimum=0, example=0.002
    )

    def score(self, case: Case, answer: Answer) -> Score:  # noqa: ARG002 - the answer says all
        if answer.cost is None:
            raise Ungradable("other_error", UNKNOWN)
        is_cheap = answer.cost <= round(self.most_dollars * A_DOLLAR)  # 0.0023 is no whole float
        return Score(float(is_cheap), detail={"millionths": answer.cost})

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`dollars` in all, and of a mean answer."""
        millionths = sum(score.detail["millionths"] for score in scores)
        mean = millionths / A_DOLLAR / len(scores) if scores else None
        return {"dollars": millionths / A_DOLLAR, "mean_dollars": mean}
