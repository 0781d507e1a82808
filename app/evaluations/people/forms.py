"""What people send: the making of a round, who is to grade it, and what they say of an item."""

from typing import Annotated

from pydantic import Field

from app.core.forms import Form
from app.evaluations.people.models import LABEL_LENGTH, RoundKind

MOST_CASES, MOST_ITEMS, MOST_LABELS = 500, 2_000, 9


class RoundForm(Form):
    """A round to be. `labels_of` is the place of the run's grader whose labels people give, without
    one they say right or wrong; `against` the id of the contestant that each other one meets in
    duels, without one everybody meets everybody.
    """

    kind: RoundKind
    cases: Annotated[int, Field(ge=1, le=MOST_CASES)] = 50
    per_item: Annotated[int, Field(ge=1, le=9)] = 2
    question: Annotated[str, Field(max_length=4_000)] = ""
    shows_reference: bool = False
    labels_of: Annotated[int, Field(ge=0, le=1_000)] | None = None
    against: Annotated[int, Field(ge=1, le=2**53)] | None = None


class AskForm(Form):
    """Somebody of the project who is to grade."""

    user_id: Annotated[int, Field(ge=1, le=2**53)]


class GradeForm(Form):
    """What a person says of the item of this number: a label, or that they pass it over."""

    number: Annotated[int, Field(ge=1, le=2**31)]
    label: Annotated[str, Field(max_length=LABEL_LENGTH)] | None = None
    skip: bool = False
    note: Annotated[str, Field(max_length=2_000)] = ""
