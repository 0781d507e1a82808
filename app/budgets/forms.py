"""What people and scripts send about budgets."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from app.budgets.models import USUAL_WARN_PERCENT, UnknownPrice
from app.budgets.money import Dollars
from app.core.forms import Form

PERCENT = re.compile(r"(100|[1-9][0-9]?)\s?%?", re.ASCII)


def _percent(value: object) -> int:
    found = PERCENT.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    if found is None:
        raise ValueError("A whole number from 1 to 100.")
    return int(found[1])


class BudgetForm(Form):
    """A project's budget as a whole; null dollars are none."""

    monthly_usd: Dollars | None
    warn_percent: Annotated[int, BeforeValidator(_percent)] = USUAL_WARN_PERCENT
    unknown_price: UnknownPrice = UnknownPrice.BLOCK


class SetBudgetForm(BudgetForm):
    """The page's form: a box left empty is a slip, not a wish for no budget."""

    monthly_usd: Dollars


class CostForm(Form):
    """What something cost, by the provider's bill."""

    spent_usd: Dollars
