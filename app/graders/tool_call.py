"""`tool_call`: does the answer call the tools it should, with the arguments it should."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from app.graders.base import Answer, Case, JsonObject, Measure, Score, Ungradable, read_json
from app.graders.settings import setting
from app.graders.template import Template, filled

MOST_CALLS = 100
FORM = 'Write a list such as [{"name": "pay", "arguments": {"amount": 5}}].'


class Call(NamedTuple):
    """A call: `arguments` is None where they are not JSON, or not given."""

    name: str
    arguments: Any


Fits = Callable[[Call, Call], bool]


class ToolCall(Measure):
    """F1 of the calls: 2 · matched / (made + wanted); 1 where none is wanted and none made."""

    title = "Tool calls"
    purpose = "Does the answer call the right tools with the right arguments: F1, from 0 to 1."

    type: Literal["tool_call"]
    reference: Template = setting(
        "template",
        "Wanted calls",
        f"JSON, written here or from a row; OpenAI's tool_calls are understood too. {FORM}",
        example="{{ item.tool_calls }}",
    )
    arguments: Literal["equal", "include", "ignore"] = setting(
        "choice",
        "Arguments",
        "Compared as JSON: the order of names does not count, and 1 is 1.0.",
        default="equal",
        choices={
            "equal": "have to be equal",
            "include": "have to include the wanted ones",
            "ignore": "do not count",
        },
    )
    order: Literal["any", "same"] = setting(
        "choice",
        "Order",
        "In the same order, a call out of turn counts as missing.",
        default="any",
        choices={"any": "does not count", "same": "has to be the same"},
    )

    def score(self, case: Case, answer: Answer) -> Score:
        wanted = _wanted(filled(self.reference, case, answer))
        made = [_read(call) for call in answer.tool_calls]
        if None in made or len(made) > MOST_CALLS:
            reason = f"The answer has calls that are none, or more than {MOST_CALLS}."
            raise Ungradable("sample_parse_error", reason)
        calls = [call for call in made if call is not None]
        count = (_in_turn if self.order == "same" else _pairs)(wanted, calls, self._fits)
        total = len(wanted) + len(calls)
        detail = {"matched": count, "wanted": len(wanted), "made": len(calls)}
        return Score(2 * count / total if total else 1.0, detail=detail)

    def _fits(self, wanted: Call, made: Call) -> bool:
        if wanted.name != made.name:
            return False
        match self.arguments:
            case "equal":
                return _same(wanted.arguments, made.arguments)
            case "include":
                return _includes(wanted.arguments, made.arguments)
            case "ignore":
                return True

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """Calls `matched`, `wanted` and `made`, in all."""
        names = ("matched", "wanted", "made")
        return {name: sum(score.detail[name] for score in scores) for name in names}


def _wanted(text: str) -> list[Call]:
    try:
        value = read_json(text)
    except Ungradable as fault:
        raise Ungradable("other_error", f"The wanted calls are not JSON. {FORM}") from fault
    listed = value if isinstance(value, list) else [] if value is None else [value]
    calls = [_read(call) for call in listed]
    if None in calls or len(calls) > MOST_CALLS:
        raise Ungradable("other_error", f"The wanted calls are none. {FORM}")
    return [call for call in calls if call is not None]


def _read(call: Any) -> Call | None:
    """OpenAI's form, with arguments as JSON in a text, or the short one."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = read_json(arguments)
        except Ungradable:
            arguments = None
    return Call(function["name"], arguments)


def _same(wanted: Any, made: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(wanted, bool) or isinstance(made, bool):
        return wanted is made
    if isinstance(wanted, dict) and isinstance(made, dict):
        return wanted.keys() == made.keys() and all(_same(wanted[k], made[k]) for k in wanted)
    if isinstance(wanted, list) and isinstance(made, list):
        return len(wanted) == len(made) and all(map(_same, wanted, made))
    return bool(wanted == made)


def _includes(wanted: Any, made: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(made, dict):
        return all(name in made and _includes(wanted[name], made[name]) for name in wanted)
    return _same(wanted, made)


def _in_turn(wanted: Sequence[Call], made: Sequence[Call], fits: Fits) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(made) + 1)
    for one in wanted:
        before, row = row, [0]
        for at, other in enumerate(made):
            best = before[at] + 1 if fits(one, other) else max(before[at + 1], row[at])
            row.append(best)
    return row[-1]


def _pairs(wanted: Sequence[Call], made: Sequence[Call], fits: Fits) -> int:
    """The most pairs there can be (Kuhn 1955): a call that fits two may make way for another."""
    partner: dict[int, int] = {}

    def find(one: int, seen: set[int]) -> bool:
        for at, other in enumerate(made):
            if at not in seen and fits(wanted[one], other):
                seen.add(at)
                if at not in partner or find(partner[at], seen):
                    partner[at] = one
                    return True
        return False

    return sum(find(one, set()) for one in range(len(wanted)))
