"""Texts with `{{ item.x }}` and `{{ sample.output_text }}` in them, for promptfoo: as a template of
its own, as an expression in JavaScript, as one in Python.

promptfoo renders by Nunjucks, which runs what it reads, and opens files that a text names: whatever
is no place of OpenAI's stays text.
"""

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from app.graders.template import Place, parsed

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# A brace that opens something, or would with what follows; the end of a comment that nobody began.
SPECIAL = re.compile(r"\{(?=[{%#]|$)|#(?=\})")
NAMES_A_FILE = ("file://", "package:")
ITEM, OUTPUT = "item", "sample"
THE_ANSWER = (OUTPUT, ("output_text",))
# In JSON these are text; in YAML they are not allowed, or end the line.
NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

Pieces = tuple[str | Place, ...]


def pieces_of(text: Any) -> Pieces:
    """A grader's text in pieces, without empty ones. Raises ValueError in words."""
    if not isinstance(text, str):
        raise ValueError("It is not a text.")  # noqa: TRY004 - the provider's value, not a bug
    return tuple(piece for piece in parsed(text) if piece != "")


def is_answer(pieces: Pieces) -> bool:
    """Whether it is what the model said and nothing else."""
    return pieces == (THE_ANSWER,)


def holds(pieces: Pieces, namespace: str) -> bool:
    """Whether a place of `item` or `sample` is in it."""
    return any(piece[0] == namespace for piece in pieces if not isinstance(piece, str))


def literal(text: str) -> str:
    """A text that Nunjucks leaves as it is."""
    safe = SPECIAL.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)
    return '{{ "" }}' + safe if safe.startswith(NAMES_A_FILE) else safe


def template(pieces: Pieces, *, structured: Collection[str] = (), answer: str | None = None) -> str:
    """The same for Nunjucks. Fields of the item in `structured` hold no text and are written as
    JSON. `answer` stands for what the model said. Raises ValueError where that has no place.
    """
    return "".join(
        literal(piece) if isinstance(piece, str) else _filled(piece, structured, answer)
        for piece in pieces
    )


def _filled(place: Place, structured: Collection[str], answer: str | None) -> str:
    namespace, (first, *rest) = place
    if namespace == OUTPUT:
        if answer is None:
            raise ValueError("promptfoo fills in no answer there.")
        return literal(answer if place == THE_ANSWER else f"{answer} ({spelt(place)})")
    path = "".join(f".{step}" if _is_name(step) else f"[{quoted(step)}]" for step in (first, *rest))
    dump = " | dump" if not rest and first in structured else ""
    return f"{{{{ {ITEM}{path}{dump} }}}}"


def _is_name(step: str | int) -> bool:
    return isinstance(step, str) and bool(NAME.fullmatch(step))


def spelt(place: Place) -> str:
    """A place as OpenAI writes it, without its braces."""
    namespace, steps = place
    return namespace + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)


def quoted(value: str | int) -> str:
    """A value in JSON: the same in JavaScript, Python and Nunjucks. No brace in it is one."""
    return json.dumps(value).replace("{", "\\u007b")


def javascript(pieces: Pieces) -> str:
    """An expression that makes the text of `output` and `context.vars.item`. Raises ValueError."""
    return _joined(pieces, _in_javascript)


def python(pieces: Pieces) -> str:
    """An expression that makes the text of `_text` and `_item`. Raises ValueError."""
    return _joined(pieces, _in_python)


def _joined(pieces: Pieces, written: Callable[[Place], str]) -> str:
    return (
        " + ".join(quoted(one) if isinstance(one, str) else written(one) for one in pieces) or '""'
    )


def _in_javascript(place: Place) -> str:
    namespace, steps = place
    if namespace == ITEM:
        return _as_text("context.vars.item" + "".join(f"?.[{quoted(step)}]" for step in steps))
    if place == THE_ANSWER:
        return _as_text("output")
    if steps[0] == "output_json":
        path = "".join(f"?.[{quoted(step)}]" for step in steps[1:])
        return _as_text(f'(typeof output === "string" ? JSON.parse(output) : output){path}')
    raise ValueError(f"promptfoo has nothing like {spelt(place)}.")


def _as_text(value: str) -> str:
    return f'((v) => typeof v === "string" ? v : JSON.stringify(v))({value})'


def _in_python(place: Place) -> str:
    namespace, steps = place
    if namespace == ITEM:
        return f"_as_text(_item{''.join(f'[{quoted(step)}]' for step in steps)})"
    if place == THE_ANSWER:
        return "_text"
    raise ValueError(f"promptfoo has nothing like {spelt(place)}.")


def yaml_line(value: Any) -> str:
    """JSON on one line that YAML reads as the same."""
    text = json.dumps(value, ensure_ascii=False)
    return NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def said(text: object, length: int = 200) -> str:
    """A text for a comment: on one line, nothing in it that could end it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"
