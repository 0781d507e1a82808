"""Moderation on OpenAI's wire: `/moderations`."""

from collections.abc import Sequence

from app.providers.base import ProviderError, RequestRejected
from app.providers.moderation import Judgement
from app.providers.openai.errors import words
from app.providers.openai.runs import mapping_of
from app.providers.openai.wire import Json, Wire, objects

MOST_CATEGORIES = 20


def moderate(wire: Wire, texts: Sequence[str]) -> list[Judgement | None]:
    """One judgement a text, in their order."""
    label, model = wire.profile.label, wire.profile.moderation_model
    if model is None:
        raise RequestRejected(f"{label} has no model for moderation.")
    with wire.errors():
        answer = wire.api.moderations.with_raw_response.create(input=list(texts), model=model)
    found = objects(wire.read(answer.http_response).get("results"))
    if len(found) != len(texts):
        raise ProviderError(f"{label} judged {len(found)} of {len(texts)} texts.")
    return [_judgement(one) for one in found]


def _judgement(result: Json) -> Judgement | None:
    if result.get("flagged") is not True:
        return None
    categories = [name for name, is_so in mapping_of(result, "categories").items() if is_so is True]
    scores = mapping_of(result, "category_scores")
    numbers = [scores[name] for name in categories if isinstance(scores.get(name), int | float)]
    shown = tuple(words(name, "") for name in sorted(categories)[:MOST_CATEGORIES])
    return Judgement(shown or ("flagged",), max(map(float, numbers), default=1.0))
