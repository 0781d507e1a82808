"""What people and scripts send about collections."""

from typing import Any

from app.collections.models import Kind
from app.core.forms import Form, Name


class CollectionForm(Form):
    """A collection: its name, and the format of its rows."""

    name: Name
    format: Kind


class RenameForm(Form):
    """Another name."""

    name: Name


class RowForm(Form):
    """A row of the collection's format, as it is to stand in a file."""

    row: dict[str, Any]
