"""What answers take of their project's budget: the most that one can cost is set aside before it is
asked for; what it came to is counted by the month, the connection and the model.

While it arrives an answer has a row of the ledger of its own, `answer:…` with its ticket. What is
free has none.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from app.budgets import ledger
from app.budgets.ledger import PaidThing
from app.budgets.models import Spend
from app.budgets.money import cost_of
from app.catalog.answer_prices import AnswerPrice, answer_price
from app.playground.models import SPEND_KEY
from app.playground.preparing import Asking, Planned
from app.providers.base import ChatRequest

# Where max_tokens is left out: gpt-4.1's limit, the largest of the models whose price is known.
MOST_WRITTEN = 32_768
# A token of English is about four characters (OpenAI's rule of thumb).
BYTES_A_TOKEN = 4

NO_PRICE = "The price is not in the price book."
GUESSED = "With answers that ended before the provider told their tokens: counted by their length."
LOST = "Luthier was stopped while this was answered: the most it can have cost is kept."


class Used(NamedTuple):
    """Tokens of an answer as the provider told them, else None; about `heard` tokens came of it."""

    prompt_tokens: int | None
    completion_tokens: int | None
    heard: int
    has_failed: bool


def key_of(ticket: str) -> str:
    """The key of an arriving answer's row in the ledger."""
    return f"{SPEND_KEY}{ticket}"


def reserve(session: Session, planned: Planned, ticket: str, *, by: int) -> None:
    """Set aside the most that one answer can cost. Raises OverBudget."""
    amount = most(planned)
    if amount != 0:
        ledger.reserve(session, _thing(planned, key_of(ticket), by), amount)


def most(planned: Planned) -> int | None:
    """The most that one answer can cost, in millionths of a dollar; None where the price is
    unknown. No token is shorter than a byte.
    """
    if planned.connection is None:
        return 0
    price = _price(planned)
    if price is None:
        return None
    written = planned.request.max_tokens or MOST_WRITTEN
    return _sum(price, _bytes(planned.request), written)


def settle(session: Session, asking: Asking, used: Used) -> None:
    """Count what an answer came to: by its tokens, else by its length."""
    key, price = key_of(asking.ticket), _price(asking.planned)
    is_told = used.prompt_tokens is not None and used.completion_tokens is not None
    if used.has_failed and not is_told and not used.heard:
        ledger.release(session, key, "It was not answered.")
        return
    amount: int | None = None
    words: str | None = NO_PRICE
    if price is not None and is_told:
        amount, words = _sum(price, used.prompt_tokens or 0, used.completion_tokens or 0), None
    elif price is not None:
        guess = -(-_bytes(asking.planned.request) // BYTES_A_TOKEN)
        amount, words = _sum(price, guess, used.heard), GUESSED
    into = _thing(asking.planned, _monthly_key(asking.planned), None)
    ledger.gather(session, key, into, amount, words=words)


def count_lost(session: Session, spend: Spend) -> None:
    """Keep what was set aside for an answer that nobody listens to any more."""
    ledger.settle(session, spend.key, spend.reserved, is_guess=True, words=LOST)


def _thing(planned: Planned, key: str, by: int | None) -> PaidThing:
    connection = planned.connection
    assert connection is not None  # noqa: S101 - nothing is ordered over none
    name = f"Answers of {planned.request.model} over {connection.name}"
    return PaidThing(connection.project_id, key, name, f"connection:{connection.id}", by)


def _monthly_key(planned: Planned) -> str:
    assert planned.connection is not None  # noqa: S101 - nothing was ordered over none
    return f"answers:{planned.connection.id}:{planned.request.model}"


def _price(planned: Planned) -> AnswerPrice | None:
    connection = planned.connection
    return answer_price(connection.profile, planned.request.model) if connection else None


def _sum(price: AnswerPrice, read: int, written: int) -> int:
    return cost_of(read, price.input) + cost_of(written, price.output)


def _bytes(request: ChatRequest) -> int:
    said: Mapping[str, Any] = {
        "messages": request.messages,
        "tools": request.tools,
        "format": request.response_format,
    }
    return len(msgspec.json.encode(said))
