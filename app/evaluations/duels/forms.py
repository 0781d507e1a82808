"""What people send to have a judge compare contestants."""

from typing import Annotated

from pydantic import Field

from app.core.forms import Form

MOST_CASES, MOST_QUESTIONS = 1_000, 20_000
Key = Annotated[int, Field(ge=1, le=2**53)]


class DuelsForm(Form):
    """Which judge of the library is asked, about how many cases; `against` is the id of the
    contestant that each other one meets, without one everybody meets everybody.
    """

    grader_id: Key
    cases: Annotated[int, Field(ge=1, le=MOST_CASES)] = 100
    against: Key | None = None
    both_ways: bool = False
    cap_usd: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    nonce: Annotated[str, Field(max_length=64)] = ""


class CapForm(Form):
    """Another cap, to go on."""

    cap_usd: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
