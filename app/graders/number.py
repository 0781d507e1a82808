"""`number`: is the last number of the text the reference's, within a tolerance."""

import math
import re
from collections.abc import Sequence
from typing import Literal

from app.graders.base import Answer, Case, JsonObject, Score, Ungradable
from app.graders.settings import setting
from app.graders.texts import Compares

NUMBER = re.compile(
    r"(?:(?<![A-Za-z0-9)\]])[-+\u2212])?"  # a minus after a number takes away
    r"(?:(?<![A-Za-z0-9])(?<![0-9]\.)(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
    r"|(?<![A-Za-z0-9.])\.[0-9]+)"
    r"(?:[eE][-+]?[0-9]+)?"
)


def last_number(text: str) -> float | None:
    """The last number in a text, None where there is none; `#### 72!!!` has 72.

    Digits are ASCII, the decimal sign is a point, and commas part thousands. What hangs on a letter
    (H2O, v2) is no number, nor is what no float can hold; a sign after a number is none of its own.
    """
    last = None
    for last in NUMBER.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    if last is None:
        return None
    number = float(last[0].replace(",", "").replace("\u2212", "-"))
    return number if math.isfinite(number) else None


class Number(Compares):
    """1 where the numbers are as near as the larger of the tolerances allows, else 0."""

    title = "Number"
    purpose = "Is the last number in the text that of the reference, within a tolerance: 1 or 0."

    type: Literal["number"]
    tolerance: float = setting(
        "number", "Tolerance", "How far off it may be.", default=0.0, minimum=0
    )
    relative_tolerance: float = setting(
        "number",
        "Relative tolerance",
        "How far off it may be as a share of the reference: 0.01 is one in a hundred.",
        default=0.0,
        minimum=0,
    )

    def score(self, case: Case, answer: Answer) -> Score:
        wanted = last_number(self.wanted(case, answer))
        if wanted is None:
            raise Ungradable("other_error", "The reference has no number to compare with.")
        found = last_number(self.given(case, answer))
        detail = {"found": found, "wanted": wanted}
        if found is None:
            return Score(0.0, detail=detail)
        allowed = max(self.tolerance, self.relative_tolerance * abs(wanted))
        return Score(float(_near(found, wanted, allowed)), detail=detail)

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`without_number`: how many texts had none."""
        return {"without_number": sum(score.detail["found"] is None for score in scores)}


def _near(found: float, wanted: float, allowed: float) -> bool:
    """A tolerance of 0.1 lets 0.3 be 0.2: what a last digit of the machine adds is forgiven."""
    return math.isclose(found, wanted, rel_tol=1e-12) or abs(found - wanted) <= allowed * (1 + 1e-9)
