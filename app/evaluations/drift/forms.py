"""What people and scripts send to have a model asked again by itself."""

from app.budgets.money import Dollars
from app.core.forms import Form
from app.evaluations.drift.models import Every
from app.evaluations.forms import Known


class ScheduleForm(Form):
    """Ask a contestant of a run that is done the same again every day, week or month, and hold its
    answers against what it said then. Each time pauses before more than `cap_usd` is spent.
    """

    contestant_id: Known
    every: Every = Every.WEEK
    cap_usd: Dollars | None = None
