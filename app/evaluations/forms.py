"""What people and scripts send to make an evaluation, and to put its cases to contestants."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from app.budgets.money import Dollars
from app.core.forms import Form, Name
from app.evaluations.models import ALL
from app.graders.template import parsed

MOST_CONTESTANTS, MOST_GRADERS = 12, 10
MOST_REPEATS, MOST_EXAMPLES = 20, 50
MOST_CASES, MOST_BY_HAND = 50_000, 2_000
LONGEST_PASTED, LONGEST_PROMPT, LONGEST_NAME = 1_000_000, 100_000, 255
MOST_TOKENS, USUAL_TOKENS = 200_000, 512
MOST_AT_ONCE, MOST_A_MINUTE = 200, 60_000

Known = Annotated[int, Field(ge=1, le=2**53)]
Seed = Annotated[int, Field(ge=0, le=2**53)]


def _of_items(text: str) -> str:
    """Refuse a place that only graders can fill. Raises ValueError."""
    for piece in parsed(text):
        if not isinstance(piece, str) and piece[0] != "item":
            raise ValueError("A question knows {{ item.name }} alone: there is no answer yet.")
    return text


class PromptMessage(Form):
    """A message that asks a case which brings none; `{{ item.name }}` is a field of its item."""

    role: Literal["system", "developer", "user"]
    content: Annotated[
        str, Field(min_length=1, max_length=LONGEST_PROMPT), AfterValidator(_of_items)
    ]


class EvaluationForm(Form):
    """Cases and graders. The cases are rows of a dataset version, all or `rows` of them drawn with
    the `seed`; or `pasted` lines: JSON objects, or a question, a tab and its answer. `field` names
    the right answer where rows are fields; `prompt` asks rows that have no messages of their own.
    `pass_rule` is "all", "any", or the place (from 0) of the one grader that decides.
    """

    name: Name
    version_id: Known | None = None
    pasted: Annotated[str, Field(max_length=LONGEST_PASTED)] | None = None
    rows: Annotated[int, Field(ge=1, le=MOST_CASES)] | None = None
    seed: Seed = 1
    field: Annotated[str, Field(min_length=1, max_length=100)] = "answer"
    prompt: Annotated[list[PromptMessage], Field(min_length=1, max_length=10)] | None = None
    graders: Annotated[list[Known], Field(min_length=1, max_length=MOST_GRADERS)]
    pass_rule: Annotated[str, Field(pattern=r"^(all|any|\d)$")] = ALL

    @field_validator("graders")
    @classmethod
    def _different(cls, graders: list[int]) -> list[int]:
        if len(set(graders)) < len(graders):
            raise ValueError("The same grader stands there twice.")
        return graders

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.version_id is None) == (self.pasted is None):
            raise ValueError("Give version_id or pasted.")
        if self.pass_rule.isdigit() and int(self.pass_rule) >= len(self.graders):
            raise ValueError("pass_rule names a grader by its place, from 0.")
        return self


class Shots(Form):
    """Examples put before each question: `k` rows of a chat version, drawn once with the `seed`, or
    for each case those whose questions are nearest to its own.
    """

    version_id: Known
    k: Annotated[int, Field(ge=1, le=MOST_EXAMPLES)] = 5
    way: Literal["seeded", "nearest"] = "seeded"
    seed: Seed = 1


class PeopleForm(Form):
    """People of the project answer by hand: all the cases, or so many of them drawn with the
    `seed`.
    """

    cases: Annotated[int, Field(ge=1, le=MOST_BY_HAND)] | None = None
    seed: Seed = 1


class ContestantForm(Form):
    """Who answers: a model by its name at a connection, with examples or without; the answers that
    a contestant of an earlier run gave (`recorded_id`); or `people`.
    """

    connection_id: Known | None = None
    model: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None
    shots: Shots | None = None
    recorded_id: Known | None = None
    people: PeopleForm | None = None
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        is_model = self.connection_id is not None and self.model is not None
        if is_model + (self.recorded_id is not None) + (self.people is not None) != 1:
            raise ValueError("Give connection_id and model, or recorded_id, or people.")
        if self.shots is not None and not is_model:
            raise ValueError("Only a model can be shown examples.")
        return self


class AnswerSettings(Form):
    """How answers are given; what is left out is up to the provider. `system` takes the place of
    the cases' own system prompt. `fresh` asks again what was answered before, judges too.
    `per_minute` and `at_once` bound the requests over each connection; without them Luthier finds
    out what the provider takes.
    """

    system: Annotated[str, Field(max_length=LONGEST_PROMPT)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = USUAL_TOKENS
    seed: Seed | None = None
    fresh: bool = False
    per_minute: Annotated[int, Field(ge=1, le=MOST_A_MINUTE)] | None = None
    at_once: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] | None = None


class RunForm(Form):
    """Put an evaluation's cases to contestants. It pauses by itself before more than `cap_usd` is
    spent.
    """

    contestants: Annotated[list[ContestantForm], Field(min_length=1, max_length=MOST_CONTESTANTS)]
    settings: AnswerSettings = Field(default_factory=AnswerSettings)
    repeats: Annotated[int, Field(ge=1, le=MOST_REPEATS)] = 1
    cap_usd: Dollars | None = None

    @field_validator("contestants")
    @classmethod
    def _different(cls, contestants: list[ContestantForm]) -> list[ContestantForm]:
        said = [one.model_copy(update={"name": None}) for one in contestants]
        if any(one in said[:place] for place, one in enumerate(said)):
            raise ValueError("The same contestant stands there twice.")
        if sum(one.people is not None for one in contestants) > 1:
            raise ValueError("People take part once in a run.")
        return contestants


class ResumeForm(Form):
    """Go on with a run, with another cap where one is given."""

    cap_usd: Dollars | None = None
