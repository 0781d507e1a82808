"""A column as an address names it: `3:gpt-4o`, or `3.12.5:gpt-4o` with five examples of version 12
put before.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from app.core.errors import WrongInput
from app.core.forms import is_storable
from app.playground.forms import MOST_COLUMNS, Column

CODE = re.compile(r"(\d{1,16})(?:\.(\d{1,16})\.(\d{1,2}))?:(.+)", re.ASCII | re.DOTALL)


def code_of(asked: Mapping[str, Any]) -> str:
    """The column as an address names it."""
    examples = f".{asked['examples_from']}.{asked['examples']}" if "examples" in asked else ""
    return f"{asked['connection_id']}{examples}:{asked['model']}"


def few_shot(code: str, version_id: str, examples: str) -> str:
    """The same model with examples put before."""
    connection_id, _, model = code.partition(":")
    return f"{connection_id}.{version_id}.{examples}:{model}"


def columns_in(codes: Iterable[str]) -> list[Column]:
    """The columns that an address names, each once. Raises WrongInput."""
    found = [_column(code) for code in dict.fromkeys(codes) if code.strip()]
    if len(found) > MOST_COLUMNS:
        raise WrongInput.field("column", f"At most {MOST_COLUMNS} models at once.")
    return found


def _column(code: str) -> Column:
    read = CODE.fullmatch(code.strip())
    if read is None or not is_storable(code):
        raise WrongInput.field("column", "A connection's id, a colon and a model are needed.")
    connection_id, version_id, examples, model = read.groups()
    try:
        return Column(
            connection_id=int(connection_id),
            model=model,
            examples_from=int(version_id) if version_id else None,
            examples=int(examples) if examples else None,
        )
    except ValidationError as error:
        raise WrongInput.field("column", "No such model: a name, or 1 to 20 examples.") from error
