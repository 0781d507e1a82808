"""The words of the walls' table: whom a route lets in, and what it answers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.auth.models import Access

Sends = Mapping[str, Any]
MAY: dict[str, set[str]] = {
    "viewer": {"view"},
    "editor": {"view", "edit", "spend"},
    "owner": {"view", "edit", "spend", "manage"},
}


@dataclass(frozen=True)
class Expected:
    """Whom a route lets in and what it answers them; `but` names the persons who get something
    else, and `sends` is the query or form it cannot be asked without.
    """

    access: Access | None
    answer: int = 200
    reason: str = ""
    sends: Sends = field(default_factory=dict)
    but: Mapping[str, int] = field(default_factory=dict)


def public(answer: int, reason: str, **but: int) -> Expected:
    """Open to everybody, for this reason."""
    return Expected(None, answer, reason, but=but)


def own(answer: int = 200, sends: Sends | None = None, **but: int) -> Expected:
    """For everybody who is signed in, about what is theirs alone."""
    return Expected("self", answer, sends=sends or {}, but=but)


def instance(answer: int = 200, **but: int) -> Expected:
    """For the instance's owner."""
    return Expected("instance", answer, but=but)


def view(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For every member of the project."""
    return Expected("view", answer, sends=sends or {})


def edit(answer: int = 200, sends: Sends | None = None, **but: int) -> Expected:
    """For editors and owners."""
    return Expected("edit", answer, sends=sends or {}, but=but)


def spend(answer: int = 200, sends: Sends | None = None, **but: int) -> Expected:
    """For editors and owners, and it may cost money."""
    return Expected("spend", answer, sends=sends or {}, but=but)


def manage(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For the owners of the project."""
    return Expected("manage", answer, sends=sends or {})
