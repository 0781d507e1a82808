"""The list of what a project spent: what it can be sorted and filtered by."""

import re
from datetime import date
from typing import Any

from sqlalchemy import func

from app.budgets.models import Spend, SpendState
from app.budgets.queries import AMOUNT, COUNTS
from app.core.listing import Column, Filter, Table, contains, one_of

MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
STATES = (
    (SpendState.RESERVED.value, "reserved"),
    (SpendState.SPENT.value, "spent"),
    (SpendState.RELEASED.value, "given back"),
)


def _month(text: str) -> date:
    found = MONTH.fullmatch(text)
    if found is None:
        raise ValueError("A month is needed, like 2026-04.")
    return date(int(found[1]), int(found[2]), 1)


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("yes, or left out.")
    return True


def _everything(_: Any) -> Any:
    return Spend.id.is_not(None)


SPENDS = Table(
    noun="cost",
    row_id=Spend.id,
    columns=(
        Column("name", "What", func.lower(Spend.name), is_kept=True),
        Column("state", "State", Spend.state),
        Column("amount", "Counts", AMOUNT, is_number=True, is_down=True, is_kept=True),
        Column("reserved", "Estimate", Spend.reserved, is_number=True, is_down=True),
        Column("at", "Ordered", Spend.id, is_number=True, is_down=True, is_extra=True),
    ),
    filters=(
        contains("q", "What", Spend.name),
        Filter("month", "Month", "pick", _month, lambda value: Spend.month == value),
        one_of("state", "State", Spend.state, STATES),
        Filter(
            "all",
            "What costs nothing too",
            "flag",
            _yes,
            _everything,
            (("yes", "what costs nothing too"),),
            otherwise=COUNTS,
        ),
    ),
    start="-at",
)
