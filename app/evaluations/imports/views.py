"""What the pages of imports show."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.views import FormState
from app.evaluations.imports.base import Told
from app.evaluations.models import Contestant, Evaluation
from app.grading.models import GraderVersion


@dataclass(frozen=True, slots=True)
class ImportView:
    """The form. `graders` are those of the library that may grade too: (id, name, type)."""

    project_id: int
    graders: tuple[tuple[int, str, str], ...]
    form: FormState


@dataclass(frozen=True, slots=True)
class ImportedView:
    """What came in. `contestants` are (name, answers, how many of them failed)."""

    project_id: int
    evaluation_id: int
    name: str
    what: str
    cases: int
    graders: tuple[tuple[int, str, str], ...]
    contestants: tuple[tuple[str, int, int], ...]
    run_id: int | None
    told: tuple[Told, ...]


def form_view(project_id: int, known: Sequence[GraderVersion], form: FormState) -> ImportView:
    """The form with what was typed."""
    graders = tuple((one.grader_id, one.grader.name, one.type) for one in known)
    return ImportView(project_id, graders, form)


def imported_view(evaluation: Evaluation, contestants: Sequence[Contestant]) -> ImportedView:
    """What an import came to; the contestants are those of its first run."""
    source = evaluation.source
    return ImportedView(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        name=evaluation.name,
        what=source.get("what", ""),
        cases=evaluation.cases,
        graders=tuple(
            (one.grader_id, one.grader.name, one.grader.type) for one in evaluation.graders
        ),
        contestants=tuple((one.name, one.expected, one.failed) for one in contestants),
        run_id=contestants[0].run_id if contestants else None,
        told=told_of(evaluation),
    )


def told_of(evaluation: Evaluation) -> tuple[Told, ...]:
    """What did not carry over."""
    return tuple(Told(place, words) for place, words in evaluation.source.get("told", ()))
