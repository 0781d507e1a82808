"""What people and scripts send about datasets."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import Field

from app.core.forms import Form, Name

FILE_NAME_LENGTH = 255
COLUMN_LENGTH = 1_000
PROMPT_LENGTH = 20_000


class DatasetForm(Form):
    """A dataset's name."""

    name: Name


class UploadForm(Form):
    """What is told of a file before its bytes come. `modified` is when the file was last changed,
    in milliseconds since 1970, by which a browser knows it again.
    """

    filename: Annotated[str, Field(max_length=4096)] = ""
    name: Name
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-fA-F]{64}$")] = None
    modified: Annotated[int | None, Field(ge=0, le=2**53)] = None


class ReadingForm(Form):
    """How a file is read: as rows of a format, or as a `table`, and then which column is what.
    `prompt` is a system prompt of your own for every row.
    """

    format: Literal["table", "chat", "preference", "reinforcement", "completion", "evaluation"]
    question: Annotated[str | None, Field(max_length=COLUMN_LENGTH)] = None
    answer: Annotated[str | None, Field(max_length=COLUMN_LENGTH)] = None
    context: Annotated[str | None, Field(max_length=COLUMN_LENGTH)] = None
    system: Annotated[str | None, Field(max_length=COLUMN_LENGTH)] = None
    prompt: Annotated[str, Field(max_length=PROMPT_LENGTH)] = ""


def label_of(file_name: str) -> str:
    """A client's file name as a label: the last part of its path, without control or direction
    characters.
    """
    last = PureWindowsPath(PurePosixPath(file_name).name).name
    plain = "".join(" " if char.isspace() else char for char in last)
    shown = "".join(char for char in plain if not unicodedata.category(char).startswith("C"))
    return shown.strip()[:FILE_NAME_LENGTH] or "unnamed.jsonl"


def name_from(file_name: str) -> str:
    """What a dataset is called when nobody says: its file's name without the ending."""
    return PurePosixPath(label_of(file_name)).stem[:120] or "Unnamed"
