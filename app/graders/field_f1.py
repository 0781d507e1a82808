"""`field_f1`: how many fields of a JSON answer are those of the reference."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from app.graders.base import Answer, Case, JsonObject, Measure, Score, Ungradable, read_json
from app.graders.normal import Ignorable, ignoring, normal
from app.graders.settings import setting
from app.graders.texts import Compares

Leaf = tuple[str, str]
"""Where a value stands, and the value."""
MOST_TOLD = 20


class FieldF1(Compares, Measure):
    """F1 of the values two JSON texts share at the same places: 2 · shared / (given + wanted).

    A text that is no JSON shares nothing. A list of plain values counts whatever its order; in
    another list each place counts for itself.
    """

    title = "Fields of JSON"
    purpose = "How many fields of the JSON text are those of the reference: F1, from 0 to 1."

    type: Literal["field_f1"]
    fields: list[str] = setting(
        "texts", "Fields", "The outermost fields that count; all without any.", default=[]
    )
    ignore: list[Ignorable] = ignoring()

    def score(self, case: Case, answer: Answer) -> Score:
        wanted = self._leaves(_reference(self.wanted(case, answer)))
        text = self.given(case, answer)
        try:
            given = self._leaves(read_json(text, "The text"))
            reason = None
        except Ungradable as fault:
            given, reason = Counter(), fault.reason
        shared = given & wanted
        total = given.total() + wanted.total()
        detail: JsonObject = {"fields": _by_field(shared, given, wanted)}
        if missing := _told(wanted - shared):
            detail["missing"] = missing
        if unexpected := _told(given - shared):
            detail["unexpected"] = unexpected
        if reason:
            detail["reason"] = reason
        return Score(2 * shared.total() / total if total else 1.0, detail=detail)

    def _leaves(self, value: Any) -> Counter[Leaf]:
        if self.fields and isinstance(value, dict):
            value = {name: value[name] for name in self.fields if name in value}
        return Counter(
            (place, normal(leaf, self.ignore) if self.ignore else leaf)
            for place, leaf in _leaves(value, "")
        )

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`fields`: of each, F1 over all answers, and in how many values given and wanted."""
        sums: dict[str, list[int]] = {}
        for score in scores:
            for name, counts in score.detail["fields"].items():
                held = sums.setdefault(name, [0, 0, 0])
                held[:] = [one + more for one, more in zip(held, counts, strict=True)]
        return {
            "fields": {
                name: {"f1": 2 * shared / (given + wanted), "given": given, "wanted": wanted}
                for name, (shared, given, wanted) in sorted(sums.items())
            }
        }


def _reference(text: str) -> Any:
    try:
        return read_json(text)
    except Ungradable as fault:
        raise Ungradable("other_error", f"The reference is not JSON: {fault.reason}") from fault


def _leaves(value: Any, place: str) -> Iterator[Leaf]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and value:
        is_plain = not any(isinstance(inner, dict | list) for inner in value)
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[]" if is_plain else f"{place}[{number}]")
    else:
        yield place, _plain(value)


def _plain(value: Any) -> str:
    """The same for equal values: 1 is 1.0, and is neither true nor "1"."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def _by_field(*leaves: Counter[Leaf]) -> dict[str, list[int]]:
    """Of each field, however deep: how many values are shared, given and wanted."""
    found: dict[str, list[int]] = {}
    for kind, counter in enumerate(leaves):
        for (place, _), count in counter.items():
            field = place.split("[", 1)[0].split(".", 1)[0]
            found.setdefault(field, [0, 0, 0])[kind] += count
    return found


def _told(leaves: Counter[Leaf]) -> list[str]:
    return [f"{place} = {leaf}" for place, leaf in sorted(leaves)[:MOST_TOLD]]
