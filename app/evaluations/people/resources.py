"""Rounds of grading, and what was said in them, as the API gives them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.evaluations.people.models import PersonsGrade, Round
from app.evaluations.people.views import ShowView


@dataclass(frozen=True, slots=True)
class PersonResource:
    """Somebody who grades: what they have said, passed over and have left."""

    name: str
    graded: int
    skipped: int
    left: int


@dataclass(frozen=True, slots=True)
class RoundResource:
    """A round. `seed` decides what is drawn and in which order each person sees it; `told` is what
    people said (`agreement`, and `scores` or `pairs`), null to whoever could still grade.
    """

    id: int
    run_id: int
    number: int
    kind: str
    question: str
    labels: list[Any]
    passing: list[Any]
    shows_reference: bool
    per_item: int
    items: int
    graded: int
    seed: int
    people: list[PersonResource]
    told: dict[str, Any] | None
    created_by: int | None
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class GradeResource:
    """What a person said of an item: null is passed over. Of a duel `is_swapped` says that the
    first contestant stood on the right.
    """

    number: int
    case: int
    contestants: list[str]
    user_id: int
    label: str | None
    is_swapped: bool
    note: str
    given_at: datetime


def round_resource(round_: Round, view: ShowView) -> RoundResource:
    """The round as a page shows it to the same person."""
    people = [PersonResource(one.name, one.graded, one.skipped, one.left) for one in view.people]
    return RoundResource(
        round_.id,
        round_.run_id,
        round_.number,
        round_.kind,
        round_.question,
        round_.labels,
        round_.passing,
        round_.shows_reference,
        round_.per_item,
        round_.items,
        view.graded,
        round_.seed,
        people,
        None if view.told is None else _told(view),
        round_.created_by,
        round_.created_at,
        round_.closed_at,
    )


def _told(view: ShowView) -> dict[str, Any]:
    assert view.told is not None  # noqa: S101 - asked by the caller
    told = view.told
    agreement = {
        "items": told.concord.shared,
        "alpha": told.concord.alpha,
        "pairs": [asdict(one) for one in told.agreeing],
    }
    if told.pairs:
        return {"agreement": agreement, "pairs": [asdict(one) for one in told.pairs]}
    scores = [{"contestant": name, **asdict(score)} for name, score in told.scores]
    return {"agreement": agreement, "scores": scores}


def grade_resource(
    grade: PersonsGrade, cases: Mapping[int, int], names: Mapping[int, list[str]]
) -> GradeResource:
    """A grade as the API gives it."""
    return GradeResource(
        grade.number,
        cases[grade.number],
        names[grade.number],
        grade.user_id,
        grade.label,
        grade.is_swapped,
        grade.note,
        grade.given_at,
    )
