"""`match`: is it the reference, as it stands or but for what is ignored."""

from typing import Literal

from app.graders.base import Answer, Case, Score
from app.graders.normal import Ignorable, ignoring, normal
from app.graders.texts import Compares


class Match(Compares):
    """1 where the two texts are equal, else 0."""

    title = "Match"
    purpose = "Is the text the reference, but for the differences you ignore: 1 or 0."

    type: Literal["match"]
    ignore: list[Ignorable] = ignoring()

    def score(self, case: Case, answer: Answer) -> Score:
        given = normal(self.given(case, answer), self.ignore)
        return Score(float(given == normal(self.wanted(case, answer), self.ignore)))
