"""What people and scripts send to record a model, and to hold another against the recording."""

from typing import Annotated

from pydantic import Field

from app.budgets.money import Dollars
from app.core.forms import Form, Printable
from app.evaluations.forms import LONGEST_NAME, MOST_REPEATS, MOST_TOKENS, USUAL_TOKENS, Known

USUAL_REPEATS, USUAL_MARGIN = 3, 2.0


class RecordForm(Form):
    """Record a model's answers to an evaluation's cases. Each is asked `repeats` times, which says
    how much it differs from itself. It pauses by itself before more than `cap_usd` is spent.
    """

    evaluation_id: Known
    repeats: Annotated[int, Field(ge=1, le=MOST_REPEATS)] = USUAL_REPEATS
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = USUAL_TOKENS
    cap_usd: Dollars | None = None


class BaseForm(RecordForm):
    """Record a model that was not tuned here, by its name at a connection."""

    connection_id: Known
    model: Annotated[Printable, Field(min_length=1, max_length=LONGEST_NAME)]


class CheckForm(Form):
    """Hold a model against the recording: it may be at most `margin` points worse, of a pass
    rate.
    """

    connection_id: Known
    model: Annotated[Printable, Field(min_length=1, max_length=LONGEST_NAME)]
    margin: Annotated[float, Field(gt=0, le=50, allow_inf_nan=False)] = USUAL_MARGIN
    cap_usd: Dollars | None = None
