"""What a run costs: before it begins, for one request at most, for one answer; millionths of a
dollar, and None where nobody knows the price.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.budgets.money import LARGEST_COST, cost_of
from app.catalog.answer_prices import AnswerPrice, answer_price
from app.connections.models import Connection
from app.core.tokens import O200K, row_tokens
from app.datasets.models import DatasetVersion
from app.evaluations.models import Evaluation
from app.graders.judge import Ask, Judge
from app.grading.estimates import REPLY_TOKENS
from app.providers.profiles import profiles

# What an answer has where no reference says how long it should be.
USUAL_ANSWER_TOKENS = 200


class Asked(NamedTuple):
    """A model that is to be asked, with the examples it is shown, as a form names them."""

    connection: Connection
    model: str
    shots: int = 0
    version: DatasetVersion | None = None


class AskedJudge(NamedTuple):
    """A judge that is to be asked, and over which connection."""

    connection: Connection
    judge: Judge


class Cost(NamedTuple):
    """Of one contestant, of a judge, or of all: requests, tokens in and out as they are to be
    expected, what that costs, and what it costs at most. `is_guess` where a model counts tokens
    otherwise; `judged` are the requests to judges.
    """

    requests: int
    prompt_tokens: int
    answer_tokens: int
    expected: int | None
    most: int | None
    is_guess: bool
    judged: int = 0


def price_of(connection: Connection, model: str) -> AnswerPrice | None:
    """What answers of a model cost by the token; None is "unknown"."""
    return answer_price(connection.profile, model)


def cost(price: AnswerPrice | None, prompt_tokens: int, answer_tokens: int) -> int | None:
    """What an answer of so many tokens costs."""
    if price is None:
        return None
    into, out = cost_of(prompt_tokens, price.input), cost_of(answer_tokens, price.output)
    return min(into + out, LARGEST_COST)


def estimate(evaluation: Evaluation, asked: Asked, *, repeats: int, max_tokens: int) -> Cost:
    """What one contestant is to cost, from the cases' tokens and their references'. The right
    answer's length is what is expected of each answer, and a little more.
    """
    cases = evaluation.cases
    requests = cases * repeats
    examples = _example_tokens(asked) * cases
    into = (evaluation.tokens + examples) * repeats
    usual = evaluation.answer_tokens or USUAL_ANSWER_TOKENS * cases
    out = min(usual, max_tokens * cases) * repeats
    price = price_of(asked.connection, asked.model)
    expected = cost(price, into, out)
    most = cost(price, into, max_tokens * requests)
    return Cost(
        requests, into, out, expected, most, _counts_otherwise(asked.connection, asked.model)
    )


def judging(
    connection: Connection, judge: Judge, asks: Sequence[Ask], questions: int, *, longer: int = 0
) -> Cost:
    """What so many questions to a judge are to cost, reckoned by some of them. Each may be `longer`
    by so many tokens where the answer that is judged is not there yet.
    """
    each = sum(row_tokens(one.messages) for one in asks) / (len(asks) or 1)
    room = max((one.sampling["max_tokens"] for one in asks), default=0)
    into, out = round(each * questions), min(REPLY_TOKENS, room) * questions
    price = price_of(connection, judge.model)
    return Cost(
        requests=questions,
        prompt_tokens=into,
        answer_tokens=out,
        expected=cost(price, into, out),
        most=cost(price, into + longer * questions, room * questions),
        is_guess=_counts_otherwise(connection, judge.model),
        judged=questions,
    )


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together; one whose price is not known makes the sum unknown."""
    found = list(costs)
    return Cost(
        requests=sum(one.requests for one in found),
        prompt_tokens=sum(one.prompt_tokens for one in found),
        answer_tokens=sum(one.answer_tokens for one in found),
        expected=_sum(one.expected for one in found),
        most=_sum(one.most for one in found),
        is_guess=any(one.is_guess for one in found),
        judged=sum(one.judged for one in found),
    )


def _sum(amounts: Iterable[int | None]) -> int | None:
    found = list(amounts)
    known = [one for one in found if one is not None]
    return min(sum(known), LARGEST_COST) if len(known) == len(found) else None


def _example_tokens(asked: Asked) -> int:
    """Of the examples before one question: the version's mean row, so often."""
    version = asked.version
    if version is None or not version.rows:
        return 0
    return round((version.tokens or 0) / version.rows * asked.shots)


def _counts_otherwise(connection: Connection, model: str) -> bool:
    rule = profiles()[connection.profile].rule_for(model)
    return rule is None or rule.encoding != O200K
