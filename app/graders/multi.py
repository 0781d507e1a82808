"""`multi`: several graders, and the formula that makes one score of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import SerializeAsAny, ValidationInfo, field_validator

from app.graders.base import NOBODY, Answer, Case, Grader, Score, Summary, Ungradable
from app.graders.formula import FUNCTIONS, FormulaError, formula
from app.graders.judge import Judge
from app.graders.settings import setting


class Multi(Grader):
    """OpenAI's guide gives `graders` by name, and the formula knows them by these names.

    Its specification and SDK say that a single grader stands there: that is read too, and the
    formula knows it by its own name.
    """

    title = "Formula"
    purpose = "Several graders, and one score that a formula makes of theirs."

    type: Literal["multi"]
    graders: dict[str, SerializeAsAny[Grader]] | SerializeAsAny[Grader] = setting(
        "graders", "Graders", "Each by the name that the formula knows it by."
    )
    calculate_output: str = setting(
        "formula",
        "Formula",
        f"Names, numbers, + - * / ^, parentheses, and {', '.join(FUNCTIONS)}.",
        example="0.7 * right + 0.3 * short",
    )

    @property
    def parts(self) -> Mapping[str, Grader]:
        """The graders by the names the formula knows."""
        return _by_name(self.graders)

    @field_validator("graders")
    @classmethod
    def _not_empty(cls, graders: dict[str, Grader] | Grader) -> dict[str, Grader] | Grader:
        if graders == {}:
            raise ValueError("A multi grader needs at least one grader.")
        return graders

    @field_validator("calculate_output")
    @classmethod
    def _is_formula(cls, text: str, info: ValidationInfo) -> str:
        names = formula(text).names
        if "graders" in info.data:
            known = _by_name(info.data["graders"])
            for name in sorted(names - known.keys()):
                raise FormulaError(f"There is no grader '{name}'; there are {', '.join(known)}.")
        return text

    def obstacle(self) -> str | None:
        return next(filter(None, (part.obstacle() for part in self.parts.values())), None)

    @property
    def judges(self) -> Mapping[str, Judge]:
        return {name: part for name, part in self.parts.items() if isinstance(part, Judge)}

    def grade(self, case: Case, answer: Answer, judged: Mapping[str, Score] = NOBODY) -> Score:
        return self.combined(
            {
                name: judged[name] if name in judged else part.grade(case, answer)
                for name, part in self.parts.items()
            }
        )

    def combined(self, parts: Mapping[str, Score]) -> Score:
        """The score that the formula makes of the parts' scores."""
        values = {name: part.value for name, part in parts.items()}
        try:
            return Score(formula(self.calculate_output).value(values), parts=parts)
        except FormulaError as error:
            return Score(0.0, Ungradable("formula_parse_error", str(error)), parts)

    def summary(self, scores: Sequence[Score]) -> Summary:
        parts = {
            name: part.summary([score.parts[name] for score in scores])
            for name, part in self.parts.items()
        }
        return replace(super().summary(scores), parts=parts)


def _by_name(graders: dict[str, Grader] | Grader) -> dict[str, Grader]:
    return {graders.name: graders} if isinstance(graders, Grader) else graders
