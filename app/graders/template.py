"""Texts with `{{ item.x }}` or `{{ sample.output_text }}` in them: filled in, nothing is run.

Not Jinja: a grader's text comes from people who may not run code here.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any

from pydantic import AfterValidator

from app.graders.base import Answer, Case, Ungradable

LONGEST = 100_000
MOST_NAMES, LONGEST_NAME = 8, 40
PLACE = re.compile(r"\{\{([^{}]*)\}\}")
PATH = re.compile(r"\s*(item|sample)((?:\.[^\s.\[\]{}]+|\[\d{1,9}\])+)\s*")
STEP = re.compile(r"\.([^\s.\[\]]+)|\[(\d+)\]")

Step = str | int
Place = tuple[str, tuple[Step, ...]]
"""A namespace and the way from it."""


@lru_cache(maxsize=128)
def parsed(text: str) -> tuple[str | Place, ...]:
    """The text as it stands and the places to be filled, in turn. Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError(f"The text is longer than {LONGEST:,} characters.")
    pieces: list[str | Place] = []
    for number, piece in enumerate(PLACE.split(text)):
        if number % 2 == 0:
            pieces.append(piece)
        elif found := PATH.fullmatch(piece):
            steps = STEP.findall(found[2])
            pieces.append((found[1], tuple(name or int(index) for name, index in steps)))
        else:
            raise ValueError(
                f"'{{{{{piece}}}}}' is not a variable. Write {{{{ item.name }}}} or "
                "{{ sample.output_text }}; [0] takes one of a list."
            )
    return tuple(pieces)


def _checked(text: str) -> str:
    parsed(text)
    return text


Template = Annotated[str, AfterValidator(_checked)]
"""A setting that is such a text."""


def filled(text: str, case: Case, answer: Answer) -> str:
    """The text with every place filled; what is no text is written as JSON. Raises Ungradable."""
    return "".join(
        piece if isinstance(piece, str) else _written(_found(piece, case, answer))
        for piece in parsed(text)
    )


def _found(place: Place, case: Case, answer: Answer) -> Any:
    namespace, (first, *steps) = place
    value = _step(case, first, "item") if namespace == "item" else answer.variable(str(first))
    at = _spelt(namespace, first)
    for step in steps:
        value = _step(value, step, at)
        at = _spelt(at, step)
    return value


def _step(value: Any, step: Step, at: str) -> Any:
    """One step on from `at`, whose value this is. Raises Ungradable, saying what there is."""
    if isinstance(value, Mapping):
        if str(step) in value:
            return value[str(step)]
        there = f"has {_few(value)}" if value else "is empty"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if isinstance(step, int) and step < len(value):
            return value[step]
        there = f"is a list of {len(value)}"
    else:
        there = "is a plain value"
    reason = f"There is no variable '{_spelt(at, step)}': '{at}' {there}."
    raise Ungradable("invalid_variable_error", reason)


def is_missing_in_item(fault: Ungradable) -> bool:
    """Whether a place could not be filled for what the case lacks, whatever was answered."""
    return fault.reason.startswith("There is no variable 'item")


def _few(names: Iterable[str]) -> str:
    """The first names of an item, so that a misspelt one is seen."""
    first = [f"'{name[:LONGEST_NAME]}'" for name in islice(names, MOST_NAMES + 1)]
    return ", ".join([*first[:MOST_NAMES], "…"] if len(first) > MOST_NAMES else first)


def _spelt(at: str, step: Step) -> str:
    return f"{at}[{step}]" if isinstance(step, int) else f"{at}.{step}"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
