"""`/v1/moderations`: the words of a text decide, so that a test can say what is flagged."""

from typing import Any

from tests.witness.journal import Request
from tests.witness.rules import Refusal
from tests.witness.state import State

MODEL = "omni-moderation-latest"
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
TELLING = {"I will hurt you": ("harassment/threatening", "violence"), "pick a lock": ("illicit",)}
_HIGH, _LOW = 0.97, 0.0001


def answer(state: State, asked: Request, form: Any) -> Any:
    """One result a text, as omni-moderation shapes it."""
    if form.get("model") != MODEL:
        raise Refusal(404, f"The model '{form.get('model')}' does not exist.", param="model")
    texts = [form["input"]] if isinstance(form["input"], str) else form["input"]
    if not texts:
        raise Refusal(400, "'input' must not be empty.", param="input")
    return {"id": state.new_id("modr-"), "model": MODEL, "results": [*map(result, texts)]}


def result(text: str) -> dict[str, Any]:
    """What it says of one text."""
    found = {name for words, names in TELLING.items() if words in text for name in names}
    return {
        "flagged": bool(found),
        "categories": {name: name in found for name in CATEGORIES},
        "category_scores": {name: _HIGH if name in found else _LOW for name in CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
