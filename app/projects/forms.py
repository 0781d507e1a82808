"""What people and scripts send about projects."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.forms import Form


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Control characters cannot be part of a name.")
    return text


Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]


class ProjectForm(Form):
    """A project's name."""

    name: Name
