"""The words every grader speaks: a case, an answer, a score, settings that are OpenAI's JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

JsonObject = dict[str, Any]
Case = Mapping[str, Any]
"""What is known of the question and its right answer; templates call it `item`."""

Fault = Literal[
    "formula_parse_error",
    "invalid_variable_error",
    "other_error",
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
    grader is made of.
    """

    value: float
    fault: Ungradable | None = None
    parts: Mapping[str, "Score"] = field(default_factory=dict)

    def faults(self) -> list[Ungradable]:
        """Its own fault and those of its parts."""
        own = [] if self.fault is None else [self.fault]
        return own + [fault for part in self.parts.values() for fault in part.faults()]


@dataclass(frozen=True)
class Answer:
    """What a model said; templates call it `sample`."""

    text: str
    tool_calls: Sequence[JsonObject] = ()

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
        raise Ungradable("invalid_variable_error", f"There is no variable 'sample.{name}'.")

    @cached_property
    def _json(self) -> Any:
        try:
            return json.loads(self.text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise Ungradable("sample_parse_error", f"The answer is not JSON: {error}") from error

    @property
    def _choice(self) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = list(self.tool_calls)
        return {
            "index": 0,
            "message": message,
            "finish_reason": "tool_calls" if self.tool_calls else "stop",
        }


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


class Grader(BaseModel):
    """What all types have; subclasses are OpenAI's schemas, field by field.

    Unknown fields are refused, so that a misspelt one is not passed over in silence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    type: str
    name: str

    def obstacle(self) -> str | None:
        """Why this grader cannot grade here, as a sentence; None when it can."""
        return None

    def grade(self, case: Case, answer: Answer) -> Score:
        """The score; an answer that cannot be graded scores 0 and says why. Raises nothing."""
        try:
            return Score(self.value(case, answer))
        except Ungradable as fault:
            return Score(0.0, fault)

    def value(self, case: Case, answer: Answer) -> float:  # noqa: ARG002 - for those who can
        """The number. Raises Ungradable."""
        raise Ungradable("other_error", self.obstacle() or f"'{self.type}' cannot grade alone.")

    def written(self) -> JsonObject:
        """The JSON it was read from."""
        return self.model_dump(mode="json", exclude_unset=True)
