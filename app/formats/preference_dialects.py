"""Preference rows written for others, said in OpenAI's words: TRL's keys, HH transcripts."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from app.formats.base import JsonObject

CHOSEN, REJECTED = "chosen", "rejected"
_PROMPTS = ("prompt", "question", "instruction", "input")
FOREIGN_KEYS = (*_PROMPTS, "system", CHOSEN, REJECTED, "tools")
_SPEAKER = re.compile(r"(?:\A|\n\n)(Human|Assistant): ?")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def is_foreign(value: Mapping[str, Any]) -> bool:
    """Whether the row is in TRL's keys, which transcripts use too."""
    return CHOSEN in value and REJECTED in value


def as_openai(value: JsonObject) -> JsonObject:
    """The same pair with `input`, `preferred_output` and `non_preferred_output`; keys that are not
    part of it are left out. What the two answers begin with alike is the prompt where none is named
    (https://huggingface.co/docs/trl/dataset_formats, "implicit prompt").
    """
    prompt = next((value[key] for key in _PROMPTS if key in value), None)
    chosen, rejected = (_messages(value[key], "assistant") for key in (CHOSEN, REJECTED))
    asked = _messages(prompt, "user") if prompt is not None else []
    shared = min(_alike(chosen, rejected), len(chosen) - 1, len(rejected) - 1)
    if not asked or chosen[: len(asked)] == asked:
        asked = chosen[: max(shared, 0)]
        chosen, rejected = chosen[len(asked) :], rejected[len(asked) :]
    if value.get("system") and isinstance(value["system"], str):
        asked = [{"role": "system", "content": value["system"]}, *asked]
    tools = {"tools": value["tools"]} if value.get("tools") else {}
    return {
        "input": {"messages": asked, **tools},
        "preferred_output": chosen,
        "non_preferred_output": rejected,
    }


def _messages(told: object, role: str) -> list[Any]:
    if isinstance(told, list):
        return told
    text = told if isinstance(told, str) else ""
    if _SPEAKER.match(text.lstrip()):
        return _transcript(text.strip())
    return [{"role": role, "content": text}]


def _transcript(text: str) -> list[JsonObject]:
    pieces = _SPEAKER.split(text)[1:]
    return [
        {"role": _ROLES[speaker], "content": said.strip()}
        for speaker, said in zip(pieces[::2], pieces[1::2], strict=True)
    ]


def _alike(some: Sequence[Any], others: Sequence[Any]) -> int:
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
