"""The page on which the instance's owner keeps the prices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import InstanceOwner, csrf_checked
from app.catalog import owners_prices
from app.catalog.forms import PriceEdit, PriceKey
from app.catalog.prices import price_book
from app.catalog.prices_views import prices_view
from app.core import clock
from app.core.database import DbSession
from app.core.errors import WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.projects.access import outside

router = APIRouter(dependencies=[Depends(csrf_checked), Depends(outside)])


@router.get("/prices", name="prices.index")
def index(
    request: Request, session: DbSession, _user: InstanceOwner, profile: str = "", model: str = ""
) -> Response:
    return _page(request, session, FormState({"profile": profile, "model": model}))


@router.post("/prices", name="prices.say")
def say(
    request: Request,
    session: DbSession,
    user: InstanceOwner,
    sent: Annotated[Submission[PriceEdit], Depends(submitted(PriceEdit))],
) -> Response:
    if sent.form is None:
        return _page(request, session, sent, status=422)
    form = sent.form
    if form.per_million is None and form.unknown is None:
        missing = WrongInput.field("per_million", "This is needed; what is free costs 0.")
        return _page(request, session, sent.refused(missing), status=missing.status)
    owners_prices.say_price(
        session,
        user=user,
        profile=form.profile,
        model=form.model,
        per_million=None if form.unknown else form.per_million,
        why=form.why,
        source_url=form.source_url,
    )
    return redirect(request, "prices.index", toast="The price holds, in every project.")


@router.post("/prices/take-back", name="prices.take_back")
def take_back(
    request: Request,
    session: DbSession,
    user: InstanceOwner,
    sent: Annotated[Submission[PriceKey], Depends(submitted(PriceKey))],
) -> Response:
    if sent.form is None:
        return _page(request, session, sent, status=422)
    owners_prices.take_back(session, user=user, profile=sent.form.profile, model=sent.form.model)
    return redirect(request, "prices.index", toast="The price is as the file has it.")


def _page(request: Request, session: Session, form: FormState, *, status: int = 200) -> Response:
    view = prices_view(price_book(session), form, clock.now(session).date())
    return page(request, "catalog/prices.html", view, status=status)
