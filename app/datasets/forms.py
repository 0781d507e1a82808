"""What people and scripts send about datasets."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

from app.core.forms import Form, Name

FILE_NAME_LENGTH = 255


class DatasetForm(Form):
    """A dataset's name."""

    name: Name


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
