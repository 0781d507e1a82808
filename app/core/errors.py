"""What can go wrong in words a person understands; one handler draws them as a page or as problem
details.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One thing wrong with what was sent: the field's name as the sender wrote it, and what to do
    about it.
    """

    field: str
    message: str


class ProductError(Exception):
    """An expected failure: `status` is the HTTP status it answers with. `details` are further
    members of its problem details, for scripts.
    """

    status = 400

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        self.errors = tuple(errors)
        self.headers = headers or {}


class NotSignedIn(ProductError):
    """Nobody is signed in, or the token is not known."""

    status = 401


class NotAllowed(ProductError):
    """The person is known and may not do this."""

    status = 403


class NotFound(ProductError):
    """There is no such thing, or it belongs to another team; the two look the same on purpose."""

    status = 404

    def __init__(
        self, message: str = "There is nothing here, or it belongs to another team."
    ) -> None:
        super().__init__(message)


class Conflict(ProductError):
    """What was asked does not fit the state things are in."""

    status = 409


class TooLarge(ProductError):
    """More bytes than the limit."""

    status = 413


class TooSlow(ProductError):
    """A sender who takes longer than any line would."""

    status = 408


class WrongInput(ProductError):
    """Fields that cannot be taken as they are."""

    status = 422

    @classmethod
    def field(cls, name: str, message: str) -> "WrongInput":
        """The shape of almost every refusal: one field, one sentence."""
        return cls(message, errors=[FieldError(name, message)])


class Locked(ProductError):
    """Somebody else has it in hand for the moment."""

    status = 423


class TooMany(ProductError):
    """Too often in too short a time; `Retry-After` says when to come back."""

    status = 429


class ProviderFailed(ProductError):
    """A provider did not answer, or refused; the message holds its words."""

    status = 502


class DiskFull(ProductError):
    """No room to store what was sent; nothing was kept."""

    status = 507
