"""What people send through forms: kept as typed, told by field what is wrong, never lost."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from starlette.datastructures import FormData, UploadFile

from app.core.database import SAFE_METHODS
from app.core.errors import FieldError, ProductError, WrongInput
from app.core.views import FormState

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAX_FIELDS = 200
READ_SECONDS = 30
FORM_KINDS = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Form(BaseModel):
    """The base of every form and API body: unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Neither NUL nor half a character: PostgreSQL refuses both, deep inside a request."""
        if not all(map(is_storable, _texts(value))):
            raise ValueError("This holds a character that cannot be stored.")
        return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in what was sent, however deep it lies in lists and objects."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def is_storable(text: str) -> bool:
    return UNSTORABLE.search(text) is None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Control characters cannot be part of a name.")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
# What people call a thing, or themselves.
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]

T = TypeVar("T", bound=Form)


@dataclass(frozen=True)
class Submission(FormState, Generic[T]):
    """A form as it came: `form` when it is right, else None; what was typed is kept either way."""

    form: T | None = None

    def refused(self, error: ProductError) -> "Submission[T]":
        """The same with what a service found wrong; errors of no field stand under ''."""
        found = {item.field: item.message for item in error.errors} or {"": error.message}
        return Submission(self.values, found)


def submitted(model: type[T]) -> Callable[[Request], Awaitable[Submission[T]]]:
    """A dependency that reads an urlencoded form into `model`. An empty box is a missing value."""

    async def read(request: Request) -> Submission[T]:
        values = await form_values(request)
        filled = {name: value for name, value in values.items() if value.strip()}
        try:
            return Submission(values, form=model.model_validate(filled))
        except ValidationError as error:
            return Submission(
                values, {item.field: item.message for item in explain(error.errors())}
            )

    return read


async def form_read(request: Request) -> FormData | None:
    """The form of an unsafe request, with limits, read before anything else happens: no session may
    be open while a slow sender sends. None where there is no form. Raises ProductError.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in SAFE_METHODS or kind not in FORM_KINDS:
        return None
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.form(max_files=0, max_fields=MAX_FIELDS)
    except TimeoutError as error:
        raise ProductError("The form did not arrive in time. Send it again.") from error


async def form_values(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises ProductError (400) when a field stands twice or is a
    file.
    """
    data = await form_read(request) or FormData()
    values: dict[str, str] = {}
    for name, value in data.multi_items():
        if name in values or isinstance(value, UploadFile):
            raise ProductError(f"The field {name!r} was sent twice, or as a file.")
        values[name] = value
    values.pop("csrf", None)
    return values


def validated(model: type[T], values: Mapping[str, Any]) -> T:
    """The form of these values; raises WrongInput naming each field."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise WrongInput(
            "Some fields cannot be taken as they are.", errors=explain(error.errors())
        ) from error


def explain(items: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's findings (`error.errors()`) in our words, one a field, the first of each."""
    found: dict[str, str] = {}
    for item in items:
        found.setdefault(_place(item["loc"]), _sentence(item))
    return [FieldError(name, message) for name, message in found.items()]


def _place(location: Iterable[int | str]) -> str:
    parts = [
        part
        for part in location
        if not (isinstance(part, str) and part.startswith(("function-", "literal[")))
    ]
    return ".".join(str(part) for part in parts)


SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Text is needed.",
    "string_too_short": "At least {min_length} characters.",
    "string_too_long": "At most {max_length} characters.",
    "too_short": "At least {min_length}.",
    "too_long": "At most {max_length}.",
    "string_pattern_mismatch": "Only letters, digits, dots, dashes and underscores.",
    "int_parsing": "A whole number is needed.",
    "int_type": "A whole number is needed.",
    "int_from_float": "A whole number is needed.",
    "float_parsing": "A number is needed.",
    "float_type": "A number is needed.",
    "finite_number": "A number is needed.",
    "greater_than": "More than {gt}.",
    "greater_than_equal": "At least {ge}.",
    "less_than": "Less than {lt}.",
    "less_than_equal": "At most {le}.",
    "literal_error": "One of {expected}.",
    "json_invalid": "This is not JSON.",
    "model_attributes_type": "An object is needed.",
    "dict_type": "An object is needed.",
}


def _sentence(item: Any) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    pattern = SENTENCES.get(item["type"])
    return pattern.format(**item.get("ctx", {})) if pattern else f"{item['msg']}."
