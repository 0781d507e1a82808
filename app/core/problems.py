"""What went wrong, as problem details (RFC 9457) for scripts."""

from fastapi.responses import JSONResponse
from typing_extensions import TypedDict  # pydantic needs it before Python 3.12

from app.core.errors import ProductError

TITLES = {
    400: "That cannot be done",
    401: "Sign in first",
    403: "Not for your role",
    404: "Nothing here",
    405: "Not done that way",
    408: "Too slow",
    409: "That does not fit",
    413: "Too large",
    422: "Some of that is wrong",
    423: "In use just now",
    429: "Too often",
    500: "Something broke here",
    502: "The provider did not answer",
    503: "Not just now",
    507: "The disk is full",
}


class WrongField(TypedDict):
    """One field that cannot be taken as it is."""

    field: str
    message: str


class Problem(TypedDict):
    """Problem details (RFC 9457) with what is wrong by field."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[WrongField]


def problem(error: ProductError) -> JSONResponse:
    """The error as problem details."""
    told: Problem = {
        "type": "about:blank",
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": error.message,
        "errors": [{"field": item.field, "message": item.message} for item in error.errors],
    }
    content = {**told, **error.details}
    return JSONResponse(
        content, error.status, headers=error.headers, media_type="application/problem+json"
    )
