"""`string_check`: is it, is it not, does it contain."""

from typing import Literal

from app.graders.base import Answer, Case, Grader
from app.graders.template import Template, filled


class StringCheck(Grader):
    """1 where the comparison holds, else 0. `like` and `ilike` ask whether input has reference."""

    type: Literal["string_check"]
    input: Template
    reference: Template
    operation: Literal["eq", "ne", "like", "ilike"]

    def value(self, case: Case, answer: Answer) -> float:
        given = filled(self.input, case, answer)
        wanted = filled(self.reference, case, answer)
        match self.operation:
            case "eq":
                return float(given == wanted)
            case "ne":
                return float(given != wanted)
            case "like":
                return float(wanted in given)
            case "ilike":
                return float(wanted.casefold() in given.casefold())
