"""What people and scripts send to begin a rescue."""

from typing import Annotated

from pydantic import Field

from app.core.forms import Form

MOST_AT_ONCE = 50

RowId = Annotated[int, Field(ge=1, le=2**53 - 1, strict=True)]


class RescueForm(Form):
    """A rescue over some connections of a project. `look_only` counts what is there and waits for a
    word before anything is fetched.
    """

    connection_ids: Annotated[list[RowId], Field(min_length=1, max_length=MOST_AT_ONCE)]
    with_completions: bool = True
    look_only: bool = False
