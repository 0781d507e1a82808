"""What tests of budgets do with a project's money."""

from app.auth.models import User
from app.budgets import queries, service
from app.budgets.forms import BudgetForm
from app.budgets.models import Budget, Spend, SpendState
from app.budgets.standing import standing_of
from app.core.database import read_only, unit_of_work
from app.jobs.models import Job
from app.jobs.spending import amount_of, key_of
from tests import make
from tests.make import BASE_MODEL

# Twelve rows of two thousand words: a job of about sixty cents.
LONG_ROWS = make.chat_file(words="word " * 2000)
ORDER = {"base_model": BASE_MODEL, "hyperparameters": {"n_epochs": 10}}


def set_budget(team, amount, **changes):
    """A budget of so many millionths of a dollar, which no form would let be typed."""
    with unit_of_work() as session:
        form = BudgetForm(monthly_usd=0, **changes)
        user = session.get_one(User, team.users["owner"])
        service.set_budget(session, project_id=team.project_id, user=user, form=form)
        session.get_one(Budget, team.project_id).monthly = amount


def row_of(key):
    """The ledger's row: its state, what it takes, and whether a person may say what it cost."""
    with read_only() as session:
        found = queries.spend_of(session, key)
        if found is None:
            return None
        taken = {SpendState.RESERVED: found.reserved, SpendState.SPENT: found.spent}
        return found.state, taken.get(SpendState(found.state)), found.is_open


def row_of_job(job_id):
    return row_of(key_of(job_id))


def estimate_of(job_id):
    with read_only() as session:
        return amount_of(session.get_one(Job, job_id).estimate)


def standing(team):
    with read_only() as session:
        return standing_of(session, team.project_id)


def spends():
    with read_only() as session:
        return session.query(Spend).order_by(Spend.id).all()
