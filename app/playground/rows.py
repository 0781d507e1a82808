"""An answer as a row of a dataset: what was asked, and what is worth learning or measuring.

The examples that a column had before the question are left out: a tuned model is to do without.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.collections.models import Kind
from app.core.errors import NotFound, WrongInput
from app.formats.base import JsonObject
from app.playground.forms import SaveForm
from app.playground.models import Answer, Question
from app.playground.preparing import said_before, system_of


def row_of(questions: Sequence[Question], form: SaveForm) -> tuple[JsonObject, str]:
    """The row, and what it was made of in words. Raises NotFound where the answer is gone, and
    WrongInput where there is nothing in it.
    """
    question = next((one for one in questions if one.number == form.number), None)
    if question is None:
        raise NotFound
    answer = _said(question, form.place, "place")
    column = question.columns[form.place]
    before = said_before(column, [one for one in questions if one.number < form.number])
    origin = f"{told_of(column)}, question {question.number}"
    if form.way == Kind.EVALUATION:
        return {"item": _item(question, before, answer, form.reference)}, origin
    tools = {"tools": question.settings["tools"]} if question.settings.get("tools") else {}
    if form.over is None:
        asked = _asked(question, [_unlearned(one) for one in before])
        return {"messages": [*asked, _message(answer)], **tools}, origin
    other = _said(question, form.over, "over")
    pair = {
        "input": {"messages": _asked(question, before), **tools},
        "preferred_output": [_message(answer)],
        "non_preferred_output": [_message(other)],
    }
    return pair, f"{origin}, over {told_of(question.columns[form.over])}"


def told_of(column: Mapping[str, Any]) -> str:
    """The column in words: the same model may stand beside itself with examples."""
    examples = f" after {column['examples']} examples" if "examples" in column else ""
    return f"{column['model']}{examples}"


def has_words(answer: Answer) -> bool:
    """True when there is something to save, and nothing more will come of it."""
    return answer.has_ended and bool(answer.text or answer.calls)


def _said(question: Question, place: int, name: str) -> Answer:
    found = next((one for one in question.answers if one.place == place), None)
    if found is None or not has_words(found):
        raise WrongInput.field(name, "That model has not answered.")
    return found


def _asked(question: Question, before: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [*system_of(question.settings), *before, {"role": "user", "content": question.text}]


def _unlearned(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """An earlier turn of a chat row: nobody said that its answer is good."""
    return {**message, "weight": 0} if message["role"] == "assistant" else message


def _message(answer: Answer) -> JsonObject:
    calls = [
        {"id": f"call_{number}", "type": "function", "function": dict(call)}
        for number, call in enumerate(answer.calls, start=1)
    ]
    words = {"content": answer.text} if answer.text else {}
    return {"role": "assistant", **words, **({"tool_calls": calls} if calls else {})}


def _item(question: Question, before: Sequence[Any], answer: Answer, reference: str) -> JsonObject:
    """Fields by the names that graders and prompts use: `{{ item.question }}`."""
    item: JsonObject = {"question": question.text}
    if question.settings.get("system"):
        item["system"] = question.settings["system"]
    if before:
        item["history"] = list(before)
    if reference == "answer":
        item |= {"answer": answer.text} if answer.text else {}
        item |= {"tool_calls": list(answer.calls)} if answer.calls else {}
    return item
