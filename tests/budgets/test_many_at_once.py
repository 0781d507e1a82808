"""Twenty people press Start with money for three: on databases that really commit."""

from app.auth.models import User
from app.budgets.standing import OverBudget
from app.core.database import read_only, unit_of_work
from app.jobs import service
from app.jobs.forms import JobForm
from app.jobs.models import Job
from app.projects.models import Project
from app.upkeep import invariants
from tests.budgets.steps import ORDER, estimate_of, set_budget, spends, standing
from tests.jobs.steps import queue_job
from tests.stage import run_together


def start(team, key):
    form = JobForm(connection_id=team.connection_id, training_version_id=team.version_id, **ORDER)
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        user = session.get_one(User, team.users["editor"])
        return service.create_job(
            session, project=project, user=user, form=form, request_key=key
        ).id


def test_twenty_starts_at_once_with_a_budget_for_three_make_three_jobs(paying_for_real):
    team, keys = paying_for_real, iter(range(100))
    one = estimate_of(queue_job(team, key="form:first", **ORDER))
    set_budget(team, 4 * one + one // 2)
    started, refused, failed = [], [], []

    def press():
        try:
            started.append(start(team, f"form:{next(keys)}"))
        except OverBudget as error:
            refused.append(error.standing.left)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(press, 20)

    assert failed == []
    assert (len(started), len(refused)) == (3, 17)
    assert set(refused) == {one // 2}
    assert (standing(team).reserved, standing(team).spent) == (4 * one, 0)
    with read_only() as session:
        assert session.query(Job).count() == 4
    broken = {found.name: found.broken for found in invariants.check(with_hashes=False)}
    assert broken["what was ordered is in the ledger, once"] == []


def test_a_double_click_with_money_for_one_is_that_one_job(paying_for_real):
    team = paying_for_real
    one = estimate_of(queue_job(team, key="form:first", **ORDER))
    set_budget(team, 2 * one)
    made, failed = [], []

    def press():
        try:
            made.append(start(team, "form:same"))
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(press, 4)

    assert failed == []
    assert (len(made), len(set(made)), len(spends())) == (4, 1, 2)
