"""The pages that hold a validation set against the rows trained on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import csrf_checked
from app.core import storage
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.pages import page, redirect
from app.datasets import queries
from app.datasets.access import CurrentVersion
from app.datasets.checks.deep.leaks import Leaks
from app.datasets.comparing import NO_SUCH, compared, said
from app.datasets.heads import head_of
from app.datasets.index import open_index
from app.datasets.models import DatasetVersion
from app.datasets.rows import brief, cards
from app.datasets.views_leaks import LeakNoteView, LeaksView
from app.projects.access import CurrentProject

router = APIRouter(dependencies=[Depends(csrf_checked)])

# A select that nobody has chosen from sends nothing.
Chosen = Annotated[str, Query(pattern=r"^\d{0,15}$")]


@router.get("/dataset-versions/{version_id}/leaks", name="datasets.leaks")
def leaks(
    request: Request, session: DbSession, version: CurrentVersion, training_version_id: Chosen = ""
) -> Response:
    if not version.is_final:
        return redirect(request, "datasets.show", version_id=version.id)
    training = _version(session, version.project_id, "training_version_id", training_version_id)
    others = queries.ready_versions(session, version.project_id)
    found = compared(version, training) if training else ""
    shown = found.shown if isinstance(found, Leaks) else ()
    with open_index(storage.index_path(version.id)) as opened:
        head = head_of(request, version, opened)
        rows = opened.rows_on(sorted(leak.line for leak in shown))
        said_there = {card.line: brief(card) for card in cards(version, opened, list(rows))}
    view = LeaksView(
        head=head,
        choices=tuple(
            (str(one.id), f"{one.dataset.name}, version {one.number}")
            for one in others
            if one.id != version.id
        ),
        training_version_id=training_version_id,
        words=said(found) if isinstance(found, Leaks) else found,
        count=found.total if isinstance(found, Leaks) else 0,
        leaks=tuple((leak, said_there[leak.line]) for leak in shown),
    )
    return page(request, "datasets/leaks.html", view)


@router.get("/projects/{project_id}/leaks", name="datasets.leak_note")
def leak_note(
    request: Request,
    session: DbSession,
    project: CurrentProject,
    training_version_id: Chosen = "",
    validation_version_id: Chosen = "",
) -> Response:
    training = _version(session, project.id, "training_version_id", training_version_id)
    validation = _version(session, project.id, "validation_version_id", validation_version_id)
    if training is None or validation is None:
        return page(request, "datasets/leak_note.html", LeakNoteView("", 0, 0, 0), fragment="note")
    found = compared(validation, training)
    words, count = (said(found), found.total) if isinstance(found, Leaks) else (found, 0)
    view = LeakNoteView(words, count, training.id, validation.id)
    return page(request, "datasets/leak_note.html", view, fragment="note")


def _version(session: Session, project_id: int, field: str, chosen: str) -> DatasetVersion | None:
    if not chosen:
        return None
    version = queries.version_in(session, project_id, int(chosen))
    if version is None:
        raise WrongInput.field(field, NO_SUCH)
    return version
