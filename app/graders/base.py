"""The words every grader speaks: a case, an answer, a score, settings that are OpenAI's JSON."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from app.graders.settings import setting

if TYPE_CHECKING:
    from app.graders.judge import Judge

JsonObject = dict[str, Any]
Case = Mapping[str, Any]
"""What is known of the question and its right answer; templates call it `item`."""

Fault = Literal[
    "formula_parse_error",
    "invalid_variable_error",
    "model_grader_parse_error",
    "model_grader_server_error",
    "other_error",
    "python_grader_runtime_error",
    "python_grader_server_error",
    "sample_parse_error",
]


class Ungradable(Exception):
    """This answer can have no score; `fault` is OpenAI's name for why."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault: Fault = fault
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Score:
    """What a grader says about one answer.

    `value` is 0 where there is a `fault`, as OpenAI counts it. `parts` are the scores a `multi`
    grader is made of. `detail` is what it saw, as JSON: it tells a reader why, and a summary needs
    nothing else.
    """

    value: float
    fault: Ungradable | None = None
    parts: Mapping[str, "Score"] = field(default_factory=dict)
    detail: JsonObject = field(default_factory=dict)

    def faults(self) -> list[Ungradable]:
        """Its own fault and those of its parts."""
        own = [] if self.fault is None else [self.fault]
        return own + [fault for part in self.parts.values() for fault in part.faults()]


NOBODY: Mapping[str, Score] = {}
NO_JUDGE = "A '{}' grader is read and kept, but not run: it needs a model that judges."


@dataclass(frozen=True, slots=True)
class Summary:
    """What a grader says of many answers: their scores, added up.

    An answer without a score counts as 0 and as not passed. `mean` is None of no answers. `figures`
    are the grader's own, as JSON; `parts` are the summaries of a `multi` grader's graders.
    """

    count: int
    mean: float | None
    passed: int
    faults: Mapping[Fault, int]
    figures: JsonObject
    parts: Mapping[str, "Summary"] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a model said; templates call it `sample`.

    `refusal` is what it said where the provider sets a refusal apart. `seconds` it took, and `cost`
    in millionths of a dollar; None where nobody measured.
    """

    text: str
    tool_calls: Sequence[JsonObject] = ()
    refusal: str | None = None
    seconds: float | None = None
    cost: int | None = None

    def variable(self, name: str) -> Any:
        """`output_text`, `output_json`, `output_tools` or `choices`. Raises Ungradable."""
        match name:
            case "output_text":
                return self.text
            case "output_json":
                return self._json
            case "output_tools":
                return list(self.tool_calls)
            case "choices":
                return [self._choice]
        there = "output_text, output_json, output_tools and choices"
        reason = f"There is no variable 'sample.{name}': 'sample' has {there}."
        raise Ungradable("invalid_variable_error", reason)

    @cached_property
    def _json(self) -> Any:
        return read_json(self.text)

    @property
    def _choice(self) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = list(self.tool_calls)
        if self.refusal is not None:
            message["refusal"] = self.refusal
        return {
            "index": 0,
            "message": message,
            "finish_reason": "tool_calls" if self.tool_calls else "stop",
        }


def read_json(text: str, whose: str = "The answer") -> Any:
    """The value this text is as JSON; NaN and Infinity are none. Raises Ungradable."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Ungradable("sample_parse_error", f"{whose} is not JSON: {error}") from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


class Grader(BaseModel):
    """What all types have. `grade` is about one answer, `summary` about many.

    Unknown fields are refused, so that a misspelt one is not passed over in silence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    title: ClassVar[str]
    """The type in words."""
    purpose: ClassVar[str]
    """One sentence on what it says of an answer."""

    type: str
    name: str = setting("text", "Name", "What reports and formulas call it.")

    def obstacle(self) -> str | None:
        """Why this grader cannot grade here, as a sentence; None when it can."""
        return None

    def alone(self) -> str | None:
        """The same where no model is asked: why this grader cannot grade all by itself."""
        judge = next(iter(self.judges.values()), None)
        return self.obstacle() or (None if judge is None else NO_JUDGE.format(judge.type))

    @property
    def judges(self) -> Mapping[str, "Judge"]:
        """The judges to be asked before it can grade, by the names under which their scores are
        given to `grade`.
        """
        return {}

    def grade(
        self,
        case: Case,
        answer: Answer,
        judged: Mapping[str, Score] = NOBODY,  # noqa: ARG002 - for those who have judges
    ) -> Score:
        """The score; an answer that cannot be graded scores 0 and says why. Raises nothing."""
        try:
            return self.score(case, answer)
        except Ungradable as fault:
            return Score(0.0, fault)
        except RecursionError:
            reason = "The JSON is nested too deeply to be graded."
            return Score(0.0, Ungradable("sample_parse_error", reason))
        except UnicodeEncodeError:
            reason = "The text holds half a character (a lone surrogate)."
            return Score(0.0, Ungradable("sample_parse_error", reason))

    def score(self, case: Case, answer: Answer) -> Score:  # noqa: ARG002 - for those who can
        """The score, from 0 to `highest`. Raises Ungradable."""
        raise Ungradable("other_error", self.alone() or f"'{self.type}' cannot grade alone.")

    @property
    def highest(self) -> float:
        """The best score there is."""
        return 1.0

    def passes(self, score: Score) -> bool:
        """Is this answer good enough."""
        return score.fault is None and score.value >= self.highest

    def summary(self, scores: Sequence[Score]) -> Summary:
        """What these scores of this grader's come to."""
        return Summary(
            count=len(scores),
            mean=sum(score.value for score in scores) / len(scores) if scores else None,
            passed=sum(map(self.passes, scores)),
            faults=Counter(fault.fault for score in scores for fault in score.faults()),
            figures=self.figures([score for score in scores if score.fault is None]),
        )

    def figures(self, scores: Sequence[Score]) -> JsonObject:  # noqa: ARG002 - for those who have
        """The grader's own figures, from the details of these scores, which have no fault."""
        return {}

    def written(self) -> JsonObject:
        """The JSON it was read from."""
        return self.model_dump(mode="json", exclude_unset=True)


class Measure(Grader):
    """Graders that say how much, so that somebody must say how much is enough."""

    pass_threshold: float | None = setting(
        "number",
        "Passes from",
        "The lowest score that passes. Without one only the highest does.",
        default=None,
        example=0.8,
    )

    def passes(self, score: Score) -> bool:
        wanted = self.highest if self.pass_threshold is None else self.pass_threshold
        return score.fault is None and score.value >= wanted
