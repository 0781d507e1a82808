"""What a grader of the library says of the answers to the last question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy.orm import Session

from app.graders.base import Answer as Graded
from app.graders.base import Case, Grader
from app.graders.multi import Multi
from app.graders.python import Python
from app.graders.reading import read_grader
from app.grading import queries as graders
from app.grading.verdicts import Verdict, verdict_of
from app.playground.models import Answer, Question

LONGEST_REFERENCE = 4_000
MILLION = 1_000_000
SLOW = "Code of your own may take its time: try this grader on its own page."
ASKS = "A judge takes its time and may cost money: ask it on the grader's own page."


@dataclass(frozen=True, slots=True)
class GradingView:
    """The graders there are, the one the address names, and the right answer that it was given;
    `verdicts` by the place of the answer, or `error`, why there are none.
    """

    graders: Sequence[tuple[int, str]]
    chosen: str = ""
    reference: str = ""
    error: str = ""
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)


def grading(
    request: Request, session: Session, project_id: int, question: Question | None
) -> GradingView:
    """The verdicts that the address asks for."""
    versions = graders.newest_versions(session, project_id)
    choices = [(one.grader_id, one.grader.name) for one in versions]
    chosen = request.query_params.get("grader", "")
    reference = request.query_params.get("reference", "").strip()[:LONGEST_REFERENCE]
    if question is None or not chosen:
        return GradingView(choices, chosen, reference)
    found = next((one for one in versions if str(one.grader_id) == chosen), None)
    if found is None:
        return GradingView(choices, chosen, reference, "The project has no such grader.")
    grader = read_grader(found.settings)
    if reason := _slow(grader) or grader.obstacle():
        return GradingView(choices, chosen, reference, reason)
    case: Case = {"question": question.text, **({"answer": reference} if reference else {})}
    return GradingView(choices, chosen, reference, verdicts=_verdicts(grader, case, question))


def _slow(grader: Grader) -> str | None:
    if grader.judges:
        return ASKS
    parts = grader.parts.values() if isinstance(grader, Multi) else [grader]
    return SLOW if any(isinstance(part, Python) for part in parts) else None


def _verdicts(grader: Grader, case: Case, question: Question) -> dict[int, Verdict]:
    return {
        one.place: verdict_of(grader, grader.grade(case, _answer(one)))
        for one in question.answers
        if one.has_ended and one.state != "failed"
    }


def _answer(kept: Answer) -> Graded:
    """With its calls as a chat completion has them."""
    calls = [{"type": "function", "function": call} for call in kept.calls]
    cost = None if kept.price is None else round(kept.price * MILLION)
    return Graded(kept.text, calls, seconds=kept.total_ms / 1000, cost=cost)
