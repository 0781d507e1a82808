"""The page of a project's budget: what it is, how the month stands, and what it was spent on."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, csrf_checked
from app.budgets import export, queries, service, views
from app.budgets.forms import CostForm, SetBudgetForm
from app.budgets.listing import SPENDS
from app.budgets.models import Spend
from app.budgets.standing import month_of, with_sums
from app.core import clock
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.forms import Submission, submitted
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.projects.access import CurrentProject, ManagedProject, role_here
from app.projects.models import Project

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 25


@router.get("/projects/{project_id}/budget", name="budgets.show")
def show(request: Request, session: DbSession, project: CurrentProject) -> Response:
    view = _budget(request, session, project)
    return page(request, "budgets/show.html", view, fragment=asked_part(request, "rows"))


@router.post("/projects/{project_id}/budget", name="budgets.change")
def change(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[SetBudgetForm], Depends(submitted(SetBudgetForm))],
) -> Response:
    if submission.form is None:
        view = _budget(request, session, project, submission)
        return page(request, "budgets/show.html", view, status=422)
    service.set_budget(session, project_id=project.id, user=user, form=submission.form)
    return redirect(request, "budgets.show", project_id=project.id, toast="The budget is set.")


@router.post("/projects/{project_id}/budget/remove", name="budgets.remove")
def remove(
    request: Request, session: DbSession, user: CurrentUser, project: ManagedProject
) -> Response:
    service.remove_budget(session, project_id=project.id, user=user)
    return redirect(request, "budgets.show", project_id=project.id, toast="There is no budget now.")


@router.get("/projects/{project_id}/budget/spends.csv", name="budgets.csv")
def spends_csv(project: CurrentProject) -> Response:
    return StreamingResponse(
        export.lines(project.id),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="project-{project.id}-spends.csv"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


@router.get("/projects/{project_id}/budget/spends/{spend_id}", name="budgets.spend")
def spend(
    request: Request, session: DbSession, project: CurrentProject, spend_id: PathId
) -> Response:
    found = _spend(session, project, spend_id)
    return page(request, "budgets/spend.html", _spend_view(request, project, found, FormState()))


@router.post("/projects/{project_id}/budget/spends/{spend_id}", name="budgets.say_cost")
def say_cost(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    spend_id: PathId,
    submission: Annotated[Submission[CostForm], Depends(submitted(CostForm))],
) -> Response:
    found = _spend(session, project, spend_id)
    if submission.form is None:
        view = _spend_view(request, project, found, submission)
        return page(request, "budgets/spend.html", view, status=422)
    service.say_cost(session, found, user=user, amount=submission.form.spent_usd)
    said = f"{found.name} counts as you said."
    return redirect(request, "budgets.show", project_id=project.id, toast=said)


def _spend(session: Session, project: Project, spend_id: int) -> Spend:
    found = queries.spend_in(session, project.id, spend_id)
    if found is None:
        raise NotFound
    return found


def _spend_view(
    request: Request, project: Project, found: Spend, form: FormState
) -> views.SpendView:
    return views.SpendView(
        project_id=project.id,
        row=views.row_of(found, partial(path_for, request)),
        month=f"{found.month:%B %Y}",
        form=form,
        can_say=found.is_open and role_here(request).may("manage"),
    )


def _budget(
    request: Request, session: Session, project: Project, form: FormState | None = None
) -> views.BudgetView:
    budget, month = queries.budget_of(session, project.id), month_of(clock.now(session))
    months = queries.months_of(session, project.id)
    asked = SPENDS.read(request)
    listed = None if "month" in asked.filters else month
    fenced = queries.ids_of_spends(project.id, listed)
    found = page_of(session, fenced, asked, limit=PAGE)
    rows = queries.spends_by_ids(session, project.id, found.ids)
    link = partial(path_for, request)
    options = [(views.month_key(one.month), f"{one.month:%B %Y}") for one in months]
    return views.BudgetView(
        project_id=project.id,
        month=views.month_view(with_sums(session, project.id, budget, month)),
        is_set=budget is not None and budget.monthly is not None,
        can_manage=role_here(request).may("manage"),
        form=form or views.form_of(budget),
        warn_percent=budget.warn_percent if budget else 0,
        unknown_price=budget.unknown_price if budget else "",
        changed_at=budget.changed_at if budget else None,
        rows=tuple(views.row_of(row, link) for row in rows),
        list=list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={"month": options},
            path=link("budgets.show", project_id=project.id),
        ),
        listed=f"{listed:%B %Y}" if listed else "",
        chart=views.chart_of(months),
        topic=f"project:{project.id}",
    )
