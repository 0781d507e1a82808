"""Money in whole millionths of a dollar: exact, and fine enough for the price of one token."""

import re
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import BeforeValidator

ONE_DOLLAR = 1_000_000
LARGEST_BUDGET = 10_000_000 * ONE_DOLLAR
# A run of a server that counts in its own way must still fit a column.
LARGEST_COST = 10**15
CENT = ONE_DOLLAR // 100
DOLLARS = re.compile(
    r"\$?\s?([0-9]{1,40}|[0-9]{1,3}(?:,[0-9]{3}){1,12})(\.[0-9]{1,2}0*)?", re.ASCII
)
AS_IT_IS_SAID = "Dollars and cents, like 250 or 99.50."
TOO_MUCH = f"At most ${LARGEST_BUDGET // ONE_DOLLAR:,}."


def cost_of(tokens: int, per_million: float) -> int:
    """What so many tokens cost in millionths, rounded up: dollars for a million tokens are
    millionths of a dollar for one.
    """
    exact = Decimal(tokens) * Decimal(str(per_million))
    return max(0, min(LARGEST_COST, int(exact.to_integral_value(ROUND_CEILING))))


def read_dollars(value: object) -> int:
    """What a person or a script wrote as dollars, in millionths. Raises ValueError with words."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(AS_IT_IS_SAID)  # noqa: TRY004 - it is told by field
    if not isinstance(value, str) and value > LARGEST_BUDGET:
        raise ValueError(TOO_MUCH)
    found = DOLLARS.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(AS_IT_IS_SAID)
    amount = Decimal(found[1].replace(",", "") + (found[2] or "")) * ONE_DOLLAR
    if amount > LARGEST_BUDGET:
        raise ValueError(TOO_MUCH)
    return int(amount)


# A field of dollars; what it holds is millionths.
Dollars = Annotated[int, BeforeValidator(read_dollars)]


def dollars(amount: int | None) -> float | None:
    """Millionths as scripts get them."""
    return None if amount is None else amount / ONE_DOLLAR


def said(amount: int | None) -> str:
    """$1,234.50; what is not known is said to be so, and a part of a cent is not called nothing."""
    if amount is None:
        return "unknown"
    if 0 < amount < CENT:
        return "under $0.01"
    cents = (Decimal(amount) / ONE_DOLLAR).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"${cents:,}"


def typed(amount: int | None) -> str:
    """As it stands in a form's box: 1234.50, without cents where there are none."""
    if amount is None:
        return ""
    whole, part = divmod(amount, ONE_DOLLAR)
    return f"{whole}.{part // CENT:02}" if part else str(whole)
