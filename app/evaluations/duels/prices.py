"""What a judge's comparing costs: before it begins, and each reply; millionths of a dollar, None
where nobody knows the price.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.budgets.money import LARGEST_COST, cost_of
from app.catalog.answer_prices import answer_price
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core.tokens import count
from app.graders.judge import Ask

# A verdict is an object with a sentence or two.
USUAL_REPLY_TOKENS = 80


class Price(NamedTuple):
    """So many questions, what they are expected to cost and what they cost at most."""

    questions: int
    about: int | None
    most: int | None


def price_before(connection: Connection, model: str, asks: Sequence[Ask], questions: int) -> Price:
    """What so many questions are to cost, judged by some of them."""
    if not asks:
        return Price(questions, None, None)
    into = sum(map(tokens_of, asks)) / len(asks)
    longest = max(ask.sampling["max_tokens"] for ask in asks)
    about = cost(connection, model, round(into * questions), USUAL_REPLY_TOKENS * questions)
    most = cost(connection, model, round(into * questions), longest * questions)
    return Price(questions, about, most)


def cost(connection: Connection, model: str, into: int, out: int) -> int | None:
    """What so many tokens in and out cost."""
    if capabilities_of(connection).is_free:
        return 0
    price = answer_price(connection.profile, model)
    if price is None:
        return None
    return min(cost_of(into, price.input) + cost_of(out, price.output), LARGEST_COST)


def tokens_of(ask: Ask) -> int:
    """About how many tokens a question has."""
    texts = (one["content"] for one in ask.messages)
    return sum(count(one) if isinstance(one, str) else 0 for one in texts)
