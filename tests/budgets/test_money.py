"""Dollars as people and scripts write them, and what tokens cost: exact."""

import pytest

from app.budgets.forms import BudgetForm
from app.budgets.money import cost_of, read_dollars, said, typed
from app.core.errors import WrongInput
from app.core.forms import validated

RIGHT = {
    "250": 250_000_000,
    "0": 0,
    "99.5": 99_500_000,
    "99.50": 99_500_000,
    " $1,234.56 ": 1_234_560_000,
    "10000000": 10_000_000_000_000,
    250: 250_000_000,
    0.1: 100_000,
    99.99: 99_990_000,
    1e3: 1_000_000_000,
}
WRONG = [
    "", " ", "-1", "+1", "1e9", "NaN", "nan", "inf", "-0", "0x10", "१२", "\u0661\u0662", "1.234",
    "1,50", "1.000,50", "10000000.01", "1" + "0" * 30, "9" * 5000, "12 dollars", "<b>1</b>", "½",
    "1\x001", "1;2", "_1", "1_000", "①", -1, -0.01, 1e30, 10**30, 0.001, True, None, [], {}, [1],
    float("nan"), float("inf"), float("-inf"), {"a": 1},
]  # fmt: skip


def test_dollars_are_read_as_they_are_written():
    assert {written: read_dollars(written) for written in RIGHT} == RIGHT


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
def test_what_is_no_sum_of_dollars_is_refused_in_words(value):
    with pytest.raises(ValueError, match=r"Dollars and cents|At most \$10,000,000"):
        read_dollars(value)


@pytest.mark.parametrize("percent", ["0", "101", "-1", "80.5", "८०", "1e2", "", True, None, [], 0])
def test_a_share_is_a_whole_percent(percent):
    with pytest.raises(WrongInput) as caught:
        validated(BudgetForm, {"monthly_usd": "1", "warn_percent": percent})
    assert [error.field for error in caught.value.errors] == ["warn_percent"]


def test_what_tokens_cost_is_exact_and_never_less_than_nothing():
    # In floating point 1,000,003 tokens at $0.1 are 100000.30000000002 millionths.
    assert cost_of(1_000_003, 3.0) == 3_000_009
    assert cost_of(10, 0.1) == 1
    assert cost_of(1, 0.1) == 1, "a part of a millionth is one, not none"
    assert cost_of(-5, 3.0) == 0
    assert cost_of(2**70, 25.0) == 10**15


def test_money_is_said_in_cents_and_a_part_of_a_cent_is_not_nothing():
    words = {None: "unknown", 0: "$0.00", 1: "under $0.01", 9_999: "under $0.01"}
    words |= {10_000: "$0.01", 1_234_565_000: "$1,234.57"}
    assert {amount: said(amount) for amount in words} == words
    assert [typed(one) for one in (None, 250_000_000, 99_500_000)] == ["", "250", "99.50"]
