"""`string_check`: is it, is it not, does it contain."""

from typing import Literal

from app.graders.base import Answer, Case, Grader, Score
from app.graders.settings import setting
from app.graders.template import Template, filled
from app.graders.texts import ANSWER, GIVEN, REFERENCE, WANTED


class StringCheck(Grader):
    """1 where the comparison holds, else 0. `like` and `ilike` ask whether input has reference."""

    title = "String check"
    purpose = "Is the text the reference, is it not, or does it contain it: 1 or 0."

    type: Literal["string_check"]
    input: Template = setting("template", "Text to grade", GIVEN, example=ANSWER)
    reference: Template = setting("template", "Compared with", WANTED, example=REFERENCE)
    operation: Literal["eq", "ne", "like", "ilike"] = setting(
        "choice",
        "Passes where the text",
        "Nothing is ignored but, for the last, the case of letters.",
        choices={
            "eq": "is the reference",
            "ne": "is not the reference",
            "like": "contains the reference",
            "ilike": "contains the reference, in any case",
        },
    )

    def score(self, case: Case, answer: Answer) -> Score:
        given = filled(self.input, case, answer)
        wanted = filled(self.reference, case, answer)
        return Score(float(self._holds(given, wanted)))

    def _holds(self, given: str, wanted: str) -> bool:
        match self.operation:
            case "eq":
                return given == wanted
            case "ne":
                return given != wanted
            case "like":
                return wanted in given
            case "ilike":
                return wanted.casefold() in given.casefold()
