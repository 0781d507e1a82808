"""What people and scripts send to import an evaluation."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from app.core.forms import Form, Name, Printable
from app.evaluations.forms import LONGEST_NAME, LONGEST_PROMPT, MOST_GRADERS, Known

LONGEST_PASTED = 15_000_000


class HowForm(Form):
    """How it is taken in. `graders` of the library, by their ids, grade it too; for rows of
    OpenAI's they are the ones that the rows' grades name. `prompt` asks such rows where they do not
    say how they were asked. `judge` is the model that judges where promptfoo's asserts name none.
    """

    name: Name | None = None
    graders: Annotated[list[Known], Field(default_factory=list, max_length=MOST_GRADERS)]
    prompt: Annotated[str, Field(min_length=1, max_length=LONGEST_PROMPT)] | None = None
    judge: Annotated[Printable, Field(min_length=1, max_length=LONGEST_NAME)] | None = None

    @field_validator("graders", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A page sends them as one text."""
        return value.split() if isinstance(value, str) else value


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("There is nothing in it.")
    return text


class ImportForm(HowForm):
    """`content` is promptfoo's configuration (YAML or JSON), its results (JSON), or rows of
    OpenAI's Evals, one a line.
    """

    content: Annotated[str, Field(max_length=LONGEST_PASTED), AfterValidator(_filled)]
