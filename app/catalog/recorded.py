"""Which of the models that stop have their answers kept, and whose still can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.catalog.stopping import StopDate


class Recorded(NamedTuple):
    """A golden recording, of a higher domain: whose answers it is, by connection and name there,
    and of how many cases. One that is not complete is under way, or was stopped.
    """

    connection_id: int
    model: str
    id: int
    at: datetime
    cases: int
    is_complete: bool


# What finds the recordings of a project, the newest first; filled by app/reactions.py.
RECORDED: list[Callable[[Session, int], Sequence[Recorded]]] = []


@dataclass(frozen=True, slots=True)
class Recordable:
    """A model as the form takes it: what was tuned here by its id, others by connection and name.
    `recorded` is the recording there is, `can_be_asked` whether it is there to record still.
    """

    model_id: int | None
    connection_id: int
    model: str
    recorded: Recorded | None
    can_be_asked: bool


def recordings(session: Session, project_id: int) -> list[Recorded]:
    """A project's recordings: complete ones first, the newest of each first."""
    found = [one for ask in RECORDED for one in ask(session, project_id)]
    return sorted(found, key=lambda one: not one.is_complete)


def recordable(stop: StopDate, known: Sequence[Recorded], today: date) -> Recordable | None:
    """Whose answers are kept, or can be, before something stops."""
    if not stop.asked_at or not stop.models:
        return None
    fitting = (one for one in known if one.connection_id in stop.asked_at)
    recorded = next((one for one in fitting if _is_among(one.model, stop.models)), None)
    plain = next((name for name in stop.models if "*" not in name), stop.models[0].strip("*"))
    return Recordable(
        stop.model_id, stop.asked_at[0], plain, recorded, can_be_asked=stop.day > today
    )


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(name == one or fnmatchcase(name, one) for one in patterns)
