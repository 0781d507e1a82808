"""`json_schema`: is the text JSON that a schema allows."""

from functools import cached_property
from typing import Any, Literal

import jsonschema_rs
from pydantic import field_validator

from app.graders.base import Answer, Case, JsonObject, Score, Ungradable, read_json
from app.graders.settings import setting
from app.graders.texts import Reads

LONGEST_REASON = 300
DEEPEST_TOLD = 6
MOST_MEMORY = 1 << 20
EXAMPLE = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}


class JsonSchema(Reads):
    """1 where the text is JSON and the schema allows it, else 0."""

    title = "JSON Schema"
    purpose = "Is the text JSON that your schema allows: 1 or 0."

    type: Literal["json_schema"]
    json_schema: JsonObject = setting(
        "json",
        "Schema",
        "A JSON Schema, of draft 2020-12 unless $schema names another. Nothing outside it is "
        "fetched; its patterns have no lookaround.",
        example=EXAMPLE,
    )

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, schema: JsonObject) -> JsonObject:
        _understood(schema)
        return schema

    @cached_property
    def _validator(self) -> Any:
        return _understood(self.json_schema)

    def score(self, case: Case, answer: Answer) -> Score:
        text = self.given(case, answer)
        try:
            value = read_json(text, "The text")
        except Ungradable as fault:
            return Score(0.0, detail={"reason": fault.reason})
        try:
            reason = why_not(self._validator, value)
        except ValueError as error:  # it stops at a depth of 255, and at half a character
            raise Ungradable(
                "sample_parse_error", f"The JSON cannot be checked: {error}"
            ) from error
        return Score(1.0) if reason is None else Score(0.0, detail={"reason": reason})


def why_not(validator: Any, value: Any) -> str | None:
    """What a schema does not allow first, and where; None where it allows all.

    Looking for reasons forgets what it saw, as `is_valid` does not: its time doubles with each
    level of a schema that branches and holds itself. Raises ValueError where it is too deep, or
    holds half a character.
    """
    if validator.is_valid(value):
        return None
    if not _is_flat(value, DEEPEST_TOLD):
        return "The schema does not allow it; the JSON is too deep to say where"
    error = next(validator.iter_errors(value))
    place = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in error.instance_path)
    return f"At ${place}: {error.message}"[:LONGEST_REASON]


def _is_flat(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(one, levels - 1) for one in inner)


def _understood(schema: JsonObject) -> Any:
    """The schema made ready. Patterns go to an engine that never goes back. Raises ValueError."""
    try:
        return jsonschema_rs.validator_for(
            schema,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=MOST_MEMORY, dfa_size_limit=MOST_MEMORY
            ),
        )
    except jsonschema_rs.ValidationError as error:
        place = "".join(f".{step}" for step in error.instance_path)
        reason = error.message[:LONGEST_REASON]
        raise ValueError(f"This is no JSON Schema: at ${place}: {reason}") from error
    except UnicodeEncodeError as error:
        raise ValueError("The schema holds half a character (a lone surrogate).") from error
