"""A project's budget and what it was spent on as JSON."""

from fastapi import APIRouter, Request

from app.auth.access import CurrentUser, PathId
from app.budgets import queries, service
from app.budgets.forms import BudgetForm, CostForm
from app.budgets.listing import SPENDS
from app.budgets.resources import BudgetResource, SpendResource, budget_resource, spend_resource
from app.budgets.standing import standing_of
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.keyset import page_of
from app.projects.access import CurrentProject, ManagedProject

router = APIRouter(prefix="/api/v1", tags=["budgets"])


@router.get("/projects/{project_id}/budget", name="api.budgets.show")
def show(session: DbSession, project: CurrentProject) -> BudgetResource:
    """A project's budget, and how this month stands (UTC)."""
    return budget_resource(standing_of(session, project.id))


@router.put("/projects/{project_id}/budget", name="api.budgets.change")
def change(
    session: DbSession, user: CurrentUser, project: ManagedProject, body: BudgetForm
) -> BudgetResource:
    """Set a project's budget for every month from this one on; null `monthly_usd` takes it away.
    What was spent stays. `unknown_price` says what becomes of jobs whose price is not in the price
    book: `block` or `allow`.
    """
    service.set_budget(session, project_id=project.id, user=user, form=body)
    return budget_resource(standing_of(session, project.id))


@router.get(
    "/projects/{project_id}/budget/spends",
    name="api.budgets.spends",
    openapi_extra=SPENDS.openapi,
)
def spends(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[SpendResource]:
    """Everything a project was or may be billed for, of all months unless one is named, the latest
    first unless asked otherwise.
    """
    fenced = queries.ids_of_spends(project.id)
    found = page_of(session, fenced, SPENDS.read(request), limit=limit)
    rows = queries.spends_by_ids(session, project.id, found.ids)
    return keyed(found, [spend_resource(row) for row in rows])


@router.patch("/projects/{project_id}/budget/spends/{spend_id}", name="api.budgets.say_cost")
def say_cost(
    session: DbSession, user: CurrentUser, project: ManagedProject, spend_id: PathId, body: CostForm
) -> SpendResource:
    """Say what something was billed, where nobody knows or Luthier counted an estimate. What is
    counted from the provider's own tokens, or has not ended, stays as it is (409).
    """
    found = queries.spend_in(session, project.id, spend_id)
    if found is None:
        raise NotFound
    service.say_cost(session, found, user=user, amount=body.spent_usd)
    return spend_resource(found)
