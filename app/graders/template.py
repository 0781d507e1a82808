"""Texts with `{{ item.x }}` or `{{ sample.output_text }}` in them: filled in, nothing is run.

Not Jinja: a grader's text comes from people who may not run code here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator

from app.graders.base import Answer, Case, Ungradable

LONGEST = 100_000
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
    value = _step(case, first, place) if namespace == "item" else answer.variable(str(first))
    for step in steps:
        value = _step(value, step, place)
    return value


def _step(value: Any, step: Step, place: Place) -> Any:
    if isinstance(value, Mapping) and str(step) in value:
        return value[str(step)]
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if is_list and isinstance(step, int) and step < len(value):
        return value[step]
    raise Ungradable("invalid_variable_error", f"There is no variable '{_spelt(place)}'.")


def _spelt(place: Place) -> str:
    namespace, steps = place
    return namespace + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
