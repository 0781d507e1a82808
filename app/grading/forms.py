"""What people and scripts send about graders, and about trying one."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from app.core.forms import Form

LONGEST_JSON, DEEPEST_JSON = 400_000, 64
LONGEST_ANSWER = 100_000
MOST_ROWS, MOST_JUDGED = 200, 20
"""Rows of a try, and of one in which a judge is asked."""
LONGEST_TYPED = 4_000
"""Characters of answers that travel in an address."""

Known = Annotated[int, Field(ge=1, le=2**53)]


def check_json(grader: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no database keeps, and what is too deep or too long. Raises ValueError."""
    level: list[Any] = [grader]
    for _ in range(DEEPEST_JSON):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise ValueError(f"At most {DEEPEST_JSON} levels deep.")
    try:
        length = len(json.dumps(grader, allow_nan=False))
    except ValueError as error:
        raise ValueError("NaN and infinite numbers are not JSON.") from error
    if length > LONGEST_JSON:
        raise ValueError(f"At most {LONGEST_JSON:,} characters.")
    return grader


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class GraderForm(Form):
    """A grader as OpenAI, or the guide, writes it; its `name` is what the library calls it. Judges
    are asked over the connection.
    """

    grader: dict[str, Any]
    connection_id: Known | None = None

    @field_validator("grader")
    @classmethod
    def _fits(cls, grader: dict[str, Any]) -> dict[str, Any]:
        return check_json(grader)


class TryForm(Form):
    """What to try a grader on: `rows` rows of a dataset version from the row `first` on, each with
    its own answer. `field` names the answer where rows are fields.
    """

    version_id: Known
    first: Annotated[int, Field(ge=1, le=2**53)] = 1
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50
    field: Annotated[str, Field(min_length=1, max_length=100)] = "answer"


class TryPageForm(TryForm):
    """As the page sends it: with `answers`, one a line for one row each; to a single row the whole
    text is the answer.
    """

    answers: Annotated[str, Field(max_length=LONGEST_JSON)] | None = None

    @property
    def given(self) -> list[str] | None:
        """The answers to the rows, or none where their own are to be graded."""
        if self.answers is None:
            return None
        return [self.answers] if self.rows == 1 else self.answers.splitlines()


class TryAddress(TryPageForm):
    """The same within an address, which has no room for much."""

    answers: Annotated[str, Field(max_length=LONGEST_TYPED)] | None = None


class TryBody(TryForm):
    """As scripts send it: a grader as JSON, or the `name` of one of the library; with `answers` to
    the rows instead of their own.
    """

    grader: dict[str, Any] | None = None
    name: str | None = None
    answers: (
        Annotated[
            list[Annotated[str, Field(max_length=LONGEST_ANSWER)]],
            Field(min_length=1, max_length=MOST_ROWS),
        ]
        | None
    ) = None

    @field_validator("grader")
    @classmethod
    def _fits(cls, grader: dict[str, Any] | None) -> dict[str, Any] | None:
        return grader and check_json(grader)

    @model_validator(mode="after")
    def _one_grader(self) -> Self:
        if (self.grader is None) == (self.name is None):
            raise ValueError("Give grader or name.")
        return self


class JudgeForm(TryForm):
    """What judges are to be asked about."""

    rows: Annotated[int, Field(ge=1, le=MOST_JUDGED)] = 10


class JudgeBody(JudgeForm):
    """The same with `answers` to the rows instead of their own; `most_dollars` is what it may
    cost.
    """

    answers: (
        Annotated[
            list[Annotated[str, Field(max_length=LONGEST_ANSWER)]],
            Field(min_length=1, max_length=MOST_JUDGED),
        ]
        | None
    ) = None
    most_dollars: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
