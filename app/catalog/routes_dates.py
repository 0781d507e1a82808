"""The page on which the instance's owner keeps the dates."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import InstanceOwner, csrf_checked
from app.auth.models import User
from app.catalog import owners, queries
from app.catalog.dates_views import dates_view
from app.catalog.deadlines import known_deadlines
from app.catalog.forms import DayBack, DayEdit, NewDay
from app.core.database import DbSession
from app.core.errors import ProductError, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.projects.access import outside

router = APIRouter(dependencies=[Depends(csrf_checked), Depends(outside)])


@router.get("/dates", name="dates.index")
def index(
    request: Request, session: DbSession, _user: InstanceOwner, key: str = "", add: str = ""
) -> Response:
    known = next((one for one in known_deadlines(session) if one.key == key), None)
    filled = {"key": known.key, "day": known.day.isoformat()} if known else {}
    return _page(request, session, FormState(filled), is_adding=bool(add))


@router.post("/dates/change", name="dates.change")
def change(
    request: Request,
    session: DbSession,
    user: InstanceOwner,
    sent: Annotated[Submission[DayEdit], Depends(submitted(DayEdit))],
) -> Response:
    if sent.form is None:
        return _page(request, session, sent, status=422)
    try:
        toast = _edit(session, user, sent.form)
    except ProductError as error:
        return _page(request, session, sent.refused(error), status=error.status)
    return redirect(request, "dates.index", toast=toast)


def _edit(session: Session, user: User, form: DayEdit) -> str:
    if form.strike is not None:
        owners.strike_day(session, user=user, key=form.key, why=form.why)
        return "The entry is struck out, in every project."
    if form.day is None:
        raise WrongInput.field("day", "This is needed.")
    owners.change_day(
        session, user=user, key=form.key, day=form.day, why=form.why, source_url=form.source_url
    )
    return "The day is changed, in every project."


@router.post("/dates/add", name="dates.add")
def add(
    request: Request,
    session: DbSession,
    user: InstanceOwner,
    sent: Annotated[Submission[NewDay], Depends(submitted(NewDay))],
) -> Response:
    if sent.form is None:
        return _page(request, session, sent, is_adding=True, status=422)
    try:
        owners.add_day(session, user=user, form=sent.form)
    except ProductError as error:
        return _page(request, session, sent.refused(error), is_adding=True, status=error.status)
    return redirect(request, "dates.index", toast="The day is added, in every project.")


@router.post("/dates/take-back", name="dates.take_back")
def take_back(
    request: Request,
    session: DbSession,
    user: InstanceOwner,
    sent: Annotated[Submission[DayBack], Depends(submitted(DayBack))],
) -> Response:
    if sent.form is None:
        return _page(request, session, sent, status=422)
    owners.take_back(session, user=user, key=sent.form.key)
    return redirect(request, "dates.index", toast="The entry is as the file has it.")


def _page(
    request: Request,
    session: Session,
    form: FormState,
    *,
    is_adding: bool = False,
    status: int = 200,
) -> Response:
    view = dates_view(queries.owners_dates(session), form, is_adding=is_adding)
    return page(request, "catalog/dates.html", view, status=status)
