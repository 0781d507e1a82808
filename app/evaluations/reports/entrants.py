"""A run with all that its pages need to know of who took part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fastapi import Request
from sqlalchemy.orm import Session

from app.catalog.models import TunedModel
from app.core.listing import Table
from app.core.pages import path_for
from app.evaluations.calibration.service import provisional_places
from app.evaluations.models import EvaluationRun, RunStatus
from app.evaluations.reports import queries
from app.evaluations.reports.figures import Figures, read
from app.evaluations.reports.listing import Entrants, cases_table
from app.evaluations.reports.making import is_tuned, names_of
from app.evaluations.reports.models import Report
from app.evaluations.reports.views import GONE, RunHead
from app.evaluations.reports.words import STATES, awaited, follows, lead, note_of


@dataclass(frozen=True)
class Opened:
    """A run, its evidence where there is any, and its contestants' names, notes and kinds."""

    run: EvaluationRun
    figures: Figures | None
    is_made: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]
    tuned: tuple[bool, ...]

    @cached_property
    def ids(self) -> list[int]:
        """The contestants' ids, in their order."""
        return [one.id for one in self.run.contestants]

    @cached_property
    def places(self) -> dict[int, int]:
        """The contestants' places by their ids."""
        return {row_id: place for place, row_id in enumerate(self.ids)}

    @cached_property
    def table(self) -> Table:
        """The run's cases as a list."""
        labels = self.figures.labels if self.figures else ()
        return cases_table(Entrants(self.ids, self.names, labels))

    @property
    def against(self) -> int:
        """The place of whom all are compared with, unless somebody asks for another."""
        if self.figures is not None and self.figures.leading is not None:
            return self.figures.leading[1]
        return 0


def opened(session: Session, run: EvaluationRun) -> Opened:
    """The run with its report, as far as it is made."""
    return opened_all(session, [run])[0]


def opened_all(session: Session, runs: Sequence[EvaluationRun]) -> list[Opened]:
    """Runs with their reports, in two questions however many there are."""
    reports = queries.reports_of(session, [one.id for one in runs])
    everybody = [one for run in runs for one in run.contestants]
    known = queries.tuned_refs(session, [one.model_ref_id for one in everybody])
    return [_opened(run, reports.get(run.id), known) for run in runs]


def _opened(run: EvaluationRun, report: Report | None, known: Mapping[int, TunedModel]) -> Opened:
    tuned = tuple(is_tuned(one, known) for one in run.contestants)
    kept = report.figures if report and run.status != RunStatus.RUNNING else None
    return Opened(
        run=run,
        figures=read(kept) if kept else None,
        is_made=report is not None and report.made_at is not None,
        names=tuple(names_of(run.contestants)),
        notes=tuple(
            note_of(one, is_tuned=is_one)
            for one, is_one in zip(run.contestants, tuned, strict=True)
        ),
        tuned=tuned,
    )


def provisional_of(session: Session, here: Opened) -> tuple[str, ...]:
    """The run's judges whose scores are provisional, each with the reason."""
    why = provisional_places(session, here.run.id)
    return tuple(
        f"{one.version.grader.name}: {why[one.place]}"
        for one in here.run.graders
        if one.place in why
    )


def head_of(here: Opened, provisional: tuple[str, ...] = (), open_questions: int = 0) -> RunHead:
    """What stands over every page of the run; `open_questions` are those to judges."""
    run = here.run
    state, words = STATES[RunStatus(run.status)]
    answers = sum(one.graded + one.failed for one in run.contestants)
    spent = run.spent / 1_000_000
    facts = [
        ", ".join(one.version.grader.name for one in run.graders),
        f"{len(here.names)} contestants, {answers:,} answers",
        f"each case {run.repeats:,} times" if run.repeats > 1 else "",
        _open(open_questions),
        f"${spent:,.2f}" if spent >= 0.01 else "free" if not spent else "under $0.01",  # noqa: PLR2004
    ]
    return RunHead(
        project_id=run.project_id,
        evaluation_id=run.evaluation_id,
        evaluation_name=run.evaluation.name,
        run_id=run.id,
        number=run.number,
        state=state,
        state_words=words,
        lead=lead(run, here.figures, here.names),
        next=follows(run, here.figures),
        facts=tuple(filter(None, facts)),
        by=run.origin or f"asked by {run.creator.name if run.creator else GONE}",
        at=run.ended_at or run.created_at,
        is_live=run.status == RunStatus.RUNNING or here.figures is None,
        is_paused=run.status == RunStatus.PAUSED,
        is_over=run.ended_at is not None,
        topic=f"evaluation_run:{run.id}",
        provisional=provisional,
        people_left=awaited(run),
    )


def _open(questions: int) -> str:
    words = "question to judges is" if questions == 1 else "questions to judges are"
    return f"{questions:,} {words} open" if questions else ""


def cases_url(request: Request, run_id: int, **query: str | int | None) -> str:
    """The address of a run's cases with these filters."""
    return (
        f"{path_for(request, 'evaluation_runs.show', query=query, evaluation_run_id=run_id)}#cases"
    )
