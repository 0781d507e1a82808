"""What people and scripts send to have a job's model evaluated when it has ended."""

from app.budgets.money import Dollars
from app.core.forms import Form
from app.evaluations.forms import Known


class AfterForm(Form):
    """Run an evaluation when the job has ended: on its model, on its base beside it, on every
    checkpoint. It pauses by itself before more than `cap_usd` is spent.
    """

    evaluation_id: Known
    has_base: bool = False
    has_checkpoints: bool = False
    cap_usd: Dollars | None = None
