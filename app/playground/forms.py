"""What people and scripts send to ask several models the same."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from app.collections.models import Kind
from app.core.forms import Form, Name
from app.playground.models import LONGEST_NAME

MOST_COLUMNS = 6
MOST_EXAMPLES = 20
LONGEST_TEXT = 400_000
MOST_TOOLS = 128

Known = Annotated[int, Field(ge=1, le=2**53)]


def _json_of(kind: type, words: str) -> Callable[[object], object]:
    """Read what is typed into a box; a value that is no text passes."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            found = json.loads(value)
        except (ValueError, RecursionError) as error:
            where = (
                f" Line {error.lineno}, column {error.colno}: {error.msg}."
                if isinstance(error, json.JSONDecodeError)
                else ""
            )
            raise ValueError(f"This is not JSON.{where}") from error
        if not isinstance(found, kind):
            raise ValueError(words)  # noqa: TRY004 - pydantic turns it into the field's message
        return found

    return read


class Column(Form):
    """A model to ask: a name at a connection, and how many examples of which dataset version are
    put before the question.
    """

    connection_id: Known
    model: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    examples_from: Known | None = None
    examples: Annotated[int, Field(ge=1, le=MOST_EXAMPLES)] | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.examples is None) != (self.examples_from is None):
            raise ValueError("examples and examples_from are given together.")
        return self


class Settings(Form):
    """How to answer; what is left out is up to the provider."""

    system: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    logprobs: bool | None = None
    tools: Annotated[
        list[dict[str, Any]] | None,
        Field(max_length=MOST_TOOLS),
        BeforeValidator(_json_of(list, "A list of tools is needed, in square brackets.")),
    ] = None
    response_format: Annotated[
        dict[str, Any] | None,
        BeforeValidator(_json_of(dict, 'An object is needed, like {"type": "json_object"}.')),
    ] = None

    @field_validator("tools")
    @classmethod
    def _functions(cls, tools: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        typed = [isinstance(tool.get("type"), str) for tool in tools or ()]
        if not all(typed):
            number = typed.index(False) + 1
            raise ValueError(f'Tool {number} needs a type, like {{"type": "function", …}}.')
        return tools or None

    @field_validator("response_format")
    @classmethod
    def _typed(cls, found: dict[str, Any] | None) -> dict[str, Any] | None:
        if found is not None and not isinstance(found.get("type"), str):
            raise ValueError('A type is needed, like {"type": "json_object"}.')
        return found


class AskForm(Form):
    """A question to up to six models. With a `number` it takes that question's place, and what came
    after it is dropped; `stream` has the answers come as `data:` lines.
    """

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    columns: Annotated[list[Column], Field(min_length=1, max_length=MOST_COLUMNS)]
    settings: Settings = Field(default_factory=Settings)
    number: Annotated[int, Field(ge=1, le=10_000)] | None = None
    stream: bool = False

    @field_validator("columns")
    @classmethod
    def _different(cls, columns: list[Column]) -> list[Column]:
        if any(one in columns[:place] for place, one in enumerate(columns)):
            raise ValueError("The same model stands there twice.")
        return columns


class PromptForm(Form):
    """A system prompt as it is being typed."""

    system: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""


class AgainForm(Form):
    """Which question, and which of its columns (from 0), is asked once more."""

    number: Annotated[int, Field(ge=1, le=10_000)]
    place: Annotated[int, Field(ge=0, lt=MOST_COLUMNS)]
    stream: bool = False


class StopForm(Form):
    """Which answer is to stop: of a question, and which of its columns (from 0)."""

    number: Annotated[int, Field(ge=1, le=10_000)]
    place: Annotated[int, Field(ge=0, lt=MOST_COLUMNS)]


class SaveForm(Form):
    """An answer to be saved in the collection of this name, which is made where there is none: as
    the answer of a chat row; preferred `over` another column's; as the `reference` of an evaluation
    row, or with none.
    """

    number: Annotated[int, Field(ge=1, le=10_000)]
    place: Annotated[int, Field(ge=0, lt=MOST_COLUMNS)]
    way: Kind = Field(alias="as")
    over: Annotated[int, Field(ge=0, lt=MOST_COLUMNS)] | None = None
    reference: Literal["answer", "none"] = "answer"
    collection: Name

    @model_validator(mode="after")
    def _over_another(self) -> Self:
        if (self.way == Kind.PREFERENCE) != (self.over is not None):
            raise ValueError("over is the other column's place, for a preference and that alone.")
        if self.over == self.place:
            raise ValueError("An answer is preferred over another one.")
        return self
