"""Cases of a run as its matrix shows them: who answered what, how it differs from the right answer.
Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.word_diff import Piece, pieces

# A label of several words differs within: card_arrival, card-delivery.
PARTS = re.compile(r"[^\W_]+[_\W]*|[_\W]+")
MOST_PARTS = 40
SHOWN = 300
LONGEST_QUESTION = 1_000
STATES = {True: "right", False: "wrong", None: "none"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One contestant's answer to one case. `state` is right, wrong, mixed, failed or none.
    `pieces` are the answer beside the right one, else the answer alone; `more` says that
    there is more of it.
    """

    place: int
    name: str
    state: str
    words: str
    pieces: tuple[Piece, ...]
    score: str
    more: bool


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in the matrix."""

    number: int
    question: str
    reference: str | None
    cells: tuple[Cell, ...]


def rows_of(
    board: Sequence[Any],
    results: Iterable[Any],
    names: Sequence[str],
    places: Mapping[int, int],
    *,
    is_scored: bool,
) -> tuple[CaseRow, ...]:
    """The matrix' rows; `places` are those of the contestants by their ids. Scores are said where
    they are more than right or wrong.
    """
    by_cell: dict[tuple[int, int], list[Any]] = {}
    for one in results:
        by_cell.setdefault((one.case_id, places[one.contestant_id]), []).append(one)
    return tuple(
        CaseRow(
            row.number,
            row.question,
            row.reference,
            tuple(
                cell_of(
                    place, name, by_cell.get((row.case_id, place), []), row.reference, is_scored
                )
                for place, name in enumerate(names)
            ),
        )
        for row in board
    )


def cell_of(
    place: int, name: str, results: Sequence[Any], reference: str | None, is_scored: bool
) -> Cell:
    """What a contestant did with a case, from its results, a repeat each."""
    graded = [one for one in results if one.passed is not None]
    right = sum(bool(one.passed) for one in graded)
    first = next((one for one in results if one.text is not None), None)
    state, words = _state(results, len(graded), right)
    scores = [one.score for one in graded if one.score is not None]
    text = said_of(first)
    return Cell(
        place=place + 1,
        name=name,
        state=state,
        words=words,
        pieces=beside(reference, text) if text else (),
        score=f"{sum(scores) / len(scores):.3g}" if is_scored and scores else "",
        more=len(text) > SHOWN,
    )


def _state(results: Sequence[Any], graded: int, right: int) -> tuple[str, str]:
    if not graded:
        lost = next((one for one in results if one.status == "failed"), None)
        if lost is not None:
            return "failed", lost.error or "no answer"
        if any(one.status == "graded" for one in results):
            return "none", "no score"
        return "none", "being graded" if any(one.text for one in results) else "not yet"
    if graded == 1:
        return ("right", "right") if right else ("wrong", "wrong")
    state = "right" if right == graded else "mixed" if right else "wrong"
    return state, f"{right} of {graded} right"


def said_of(result: Any) -> str:
    """The answer as a text: its words, else its refusal, else its calls."""
    if result is None:
        return ""
    calls = [f"{one.get('name')}({one.get('arguments', '')})" for one in _functions(result.calls)]
    return result.text or result.refusal or "\n".join(calls)


def _functions(calls: Any) -> list[Mapping[str, Any]]:
    """Calls as providers and as we write them."""
    return [one.get("function", one) for one in calls or () if isinstance(one, dict)]


def beside(reference: str | None, text: str, *, is_whole: bool = False) -> tuple[Piece, ...]:
    """The answer word by word beside the right one; alone where they are equal, where there is
    none, or where they are too long for a cell.
    """
    shown = text if is_whole else text[:SHOWN]
    if reference is None or reference.strip() == text.strip():
        return (Piece("same", shown),)
    before, after = PARTS.findall(reference), PARTS.findall(shown)
    if not is_whole and max(len(before), len(after)) > MOST_PARTS:
        return (Piece("same", shown),)
    found = pieces(before, after)
    if not any(one.kind == "same" and one.text.strip() for one in found):
        return (
            (Piece("gone", reference[:SHOWN]), Piece("new", shown))
            if found
            else (Piece("same", shown),)
        )
    return found


def question_of(messages: Iterable[Mapping[str, Any]]) -> str:
    """The last thing that was asked, as a text; its beginning where it is long."""
    asked = [one for one in messages if one.get("role") == "user"]
    content = asked[-1].get("content") if asked else ""
    if isinstance(content, list):
        content = " ".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return str(content or "")[:LONGEST_QUESTION]
