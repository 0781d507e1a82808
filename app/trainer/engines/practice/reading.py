"""Uploaded rows read line by line, as each method needs them; a bad line fails with its cure."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.formats import chat, preference, reinforcement
from app.formats.base import Finding, Unreadable
from app.formats.messages import Message
from app.trainer.engines.base import InvalidData
from app.trainer.engines.practice.features import FeatureReader, spoken_text, word_count


@dataclass(frozen=True)
class Example:
    """One prompt as features (latest message, earlier ones) and its answers: one for supervised,
    the preferred and the other for DPO, none for reinforcement, where `item` is what the grader may
    know of the row. The vocabulary is made of the pieces of `texts`.
    """

    latest: NDArray[np.uint16]
    earlier: NDArray[np.uint16]
    prompt_words: int
    answers: Sequence[str]
    texts: Sequence[str]
    item: dict[str, Any] | None = None


# What is wrong with a line, and its examples: to be taken only when no finding is an error.
Judged = tuple[Sequence[Finding], Iterator[Example]]
Read = Callable[[bytes, FeatureReader], Judged]


def examples(path: Path, param: str, read: Read, seen: Counter[str]) -> Iterator[Example]:
    """Every example of a file; `seen["rows"]` counts rows. Raises InvalidData naming the line."""
    reader = FeatureReader()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InvalidData(
            f"invalid_{param}", "The file was deleted before it could be read.", param
        ) from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            seen["rows"] += 1
            try:
                findings, found = read(line, reader)
            except Unreadable as error:
                raise _refused(error.finding, number, param) from None
            for finding in findings:
                if finding.severity == "error":
                    raise _refused(finding, number, param)
            yield from found


def _refused(finding: Finding, number: int, param: str) -> InvalidData:
    said = f"The job failed due to an invalid {param.replace('_', ' ')}. Line {number}"
    where = f", {finding.field}" if finding.field else ""
    message = f"{said}{where}: {finding.reason} {finding.cure}"
    return InvalidData(f"invalid_{param}", message, param)


def conversations(line: bytes, reader: FeatureReader) -> Judged:
    """For supervised: an example of every assistant message that is trained."""
    row = chat.read(line)
    return chat.findings(row), _trained(row.messages, reader)


def _trained(messages: Sequence[Message], reader: FeatureReader) -> Iterator[Example]:
    spoken = _spoken(messages)
    for place, message in enumerate(messages):
        if message.is_trained:
            answer = spoken[place][1]
            yield _example(spoken[:place], reader, [answer], [answer])


def pairs(line: bytes, reader: FeatureReader) -> Judged:
    """For DPO: the prompt, its preferred answer and the other."""
    row = preference.read(line)
    return preference.findings(row), _pair(row, reader)


def _pair(row: preference.PreferenceRow, reader: FeatureReader) -> Iterator[Example]:
    answers = [text for _, text in _spoken([*row.preferred, *row.non_preferred])]
    yield _example(_spoken(row.prompt), reader, answers, answers)


def prompts(line: bytes, reader: FeatureReader) -> Judged:
    """For reinforcement: the prompt, and what the grader may know."""
    row = reinforcement.read(line)
    return reinforcement.findings(row), _prompt(row, reader)


def _prompt(row: reinforcement.ReinforcementRow, reader: FeatureReader) -> Iterator[Example]:
    spoken = _spoken(row.messages)
    told = [value for value in row.item.values() if isinstance(value, str)]
    yield _example(spoken, reader, [], [*(text for _, text in spoken), *told], row.item)


def _spoken(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [
        (message.role, spoken_text(message.content, message.tool_calls)) for message in messages
    ]


def _example(
    prompt: Sequence[tuple[str, str]],
    reader: FeatureReader,
    answers: Sequence[str],
    texts: Sequence[str],
    item: dict[str, Any] | None = None,
) -> Example:
    words = sum(word_count(text) for _, text in prompt)
    return Example(*reader.read(prompt), words, answers, texts, item)


READERS: dict[str, Read] = {
    "supervised": conversations,
    "dpo": pairs,
    "reinforcement": prompts,
}
