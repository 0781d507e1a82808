"""The page where a person chooses what they hear of, and how."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import Myself, PathId, csrf_checked
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Form, Submission, submitted
from app.core.pages import page, redirect
from app.notices.choices import service, views
from app.notices.choices.forms import ChoicesForm, chosen_in
from app.projects.access import enter, outside

# Outside of all projects, with the shell around.
router = APIRouter(dependencies=[Depends(csrf_checked), Depends(outside)])


@router.get("/account/notices", name="choices.show")
def show(request: Request, session: DbSession, user: Myself) -> Response:
    return page(request, "notices/choices.html", views.choices(session, user))


@router.post("/account/notices", name="choices.choose")
def choose(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[Form], Depends(submitted(ChoicesForm))],
) -> Response:
    if submission.form is None:
        raise WrongInput("Each box is sent as yes, or not at all.")
    service.choose(session, user_id=user.id, chosen=chosen_in(submission.form))
    return redirect(request, "choices.show", toast="Saved.")


@router.post("/account/notices/{project_id}/mail-off", name="choices.mute")
def mute(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    enter(request, session, user, project_id, "view")
    service.mute(session, project_id=project_id, user_id=user.id, is_mute=True)
    return redirect(request, "choices.show", toast="No more mail about that project.")


@router.post("/account/notices/{project_id}/mail-on", name="choices.unmute")
def unmute(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    enter(request, session, user, project_id, "view")
    service.mute(session, project_id=project_id, user_id=user.id, is_mute=False)
    return redirect(request, "choices.show", toast="Mail about that project comes again.")
