"""What people send when they answer cases by hand."""

from typing import Annotated

from pydantic import Field

from app.core.forms import Form

LONGEST_ANSWER = 20_000


class HandForm(Form):
    """An answer to a case, or that it is left to somebody else for now."""

    text: Annotated[str, Field(max_length=LONGEST_ANSWER)] = ""
    skip: bool = False


class NextForm(Form):
    """Ask for the next case behind the one of this number; 0 asks for the first."""

    after: Annotated[int, Field(ge=0, le=2**31)] = 0
