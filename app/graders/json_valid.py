"""`json_valid`: is the text JSON, and of the kind wanted."""

from typing import Literal

from app.graders.base import Answer, Case, Score, Ungradable, read_json
from app.graders.settings import setting
from app.graders.texts import Reads


class JsonValid(Reads):
    """1 where the whole text is JSON, else 0."""

    title = "Valid JSON"
    purpose = "Is the whole text JSON, of the kind you want: 1 or 0."

    type: Literal["json_valid"]
    kind: Literal["any", "object", "array"] = setting(
        "choice",
        "Kind",
        "What the outermost value has to be.",
        default="any",
        choices={"any": "any JSON", "object": "an object", "array": "an array"},
    )

    def score(self, case: Case, answer: Answer) -> Score:
        text = self.given(case, answer)
        try:
            value = read_json(text, "The text")
        except Ungradable as fault:
            return Score(0.0, detail={"reason": fault.reason})
        wanted = {"any": object, "object": dict, "array": list}[self.kind]
        if isinstance(value, wanted):
            return Score(1.0)
        return Score(0.0, detail={"reason": f"The JSON is not an {self.kind}."})
