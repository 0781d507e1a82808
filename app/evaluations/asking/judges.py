"""What a judge is asked, as a question that is sent once."""

import hashlib

from app.connections.models import Connection
from app.core.tokens import row_tokens
from app.evaluations import prices
from app.evaluations.asking.questions import Question
from app.evaluations.models import Questioned
from app.graders.judge import Ask, Judge
from app.providers.base import ChatRequest


def question_to(
    judge: Judge, ask: Ask, connection: Connection, row: Questioned, *, anew: int | None = None
) -> Question[Ask]:
    """The question for this row. The same asked over the same connection has the same digest, of
    whatever it is a part; but not where the run `anew` asks again whatever was answered before.
    """
    again = "" if anew is None else f"{anew}:"
    key = f"judge:{connection.id}:{again}{ask.key(judge.model)}"
    tokens, room = row_tokens(ask.messages), ask.sampling["max_tokens"]
    return Question(
        row.id,
        ask,
        ChatRequest(model=judge.model, messages=ask.messages, **ask.sampling),
        hashlib.sha256(key.encode()).hexdigest(),
        tokens,
        prices.cost(prices.price_of(connection, judge.model), tokens, room),
        row.tries,
    )
