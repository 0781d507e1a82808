"""How a person likes the pages: theme, time zone, keys, the first steps.

It concerns nobody else, so no activity row tells of it.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import Myself, csrf_checked
from app.auth.forms import SettingsForm, ThemeForm, TourForm
from app.auth.routes import account_of
from app.core import toasts
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect, redirect_to

# Pages inside: whoever includes it draws the shell around them.
router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.post("/account/settings", name="account.settings")
def choose(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[SettingsForm], Depends(submitted(SettingsForm))],
) -> Response:
    form = submission.form
    if form is None:
        view = account_of(request, session, user, submission)
        return page(request, "auth/account.html", view, status=422)
    user.theme, user.time_zone, user.has_single_keys = form.theme, form.time_zone, form.single_keys
    return redirect(request, "account.show", toast="Saved. Every browser of yours follows.")


@router.post("/account/theme", name="account.theme")
def choose_theme(
    user: Myself,
    submission: Annotated[Submission[ThemeForm], Depends(submitted(ThemeForm))],
) -> Response:
    """What the side bar's switch sends; the page has changed already."""
    if submission.form is None:
        raise WrongInput("The theme is system, light or dark.")
    user.theme = submission.form.theme
    return Response(status_code=204)


@router.post("/account/tour", name="account.tour")
def tour(
    request: Request,
    user: Myself,
    submission: Annotated[Submission[TourForm], Depends(submitted(TourForm))],
) -> Response:
    form = submission.form or TourForm()
    user.is_touring = form.is_touring
    answer = redirect_to(request, form.next)
    if not form.is_touring:
        toasts.keep(answer, "The five steps are put away. Your account brings them back.")
    return answer
