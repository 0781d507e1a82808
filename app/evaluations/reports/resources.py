"""What runs have shown, as scripts get it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.evaluations.models import Evaluation, EvaluationRun
from app.evaluations.reports.cases import said_of
from app.evaluations.reports.entrants import Opened, head_of
from app.evaluations.reports.words import lead
from app.evidence.base import Estimate, Flakiness, Slice, Verdict
from app.evidence.words import sentence


@dataclass(frozen=True, slots=True)
class EvaluationListed:
    """An evaluation in the list; `verdict` is the sentence its newest run leads with."""

    id: int
    name: str
    status: str
    cases: int
    runs: int
    run_id: int | None
    verdict: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunListed:
    """A run of an evaluation; `verdict` is the sentence that leads its page."""

    id: int
    number: int
    status: str
    verdict: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StandingResource:
    """A contestant, by its `place` from 1: `score` over all cases it has one in, `passes` the share
    that passed.
    """

    place: int
    name: str
    is_tuned: bool
    score: Estimate
    passes: Estimate
    median_ms: int | None
    p95_ms: int | None
    flakiness: Flakiness | None


@dataclass(frozen=True, slots=True)
class PairVerdictResource:
    """The verdict on two contestants by their places, in words and in numbers."""

    first: int
    second: int
    sentence: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ReportResource:
    """The evidence of a run. `is_made` is false until it has stopped and all is reckoned: then
    `standings` and `verdicts` come. `confusion` is of [place, wanted, answered, cases]; null is an
    answer that is no known label. `provisional` are judges that are not to be trusted yet, and why.
    """

    run_id: int
    is_made: bool
    lead: str
    next: str
    provisional: list[str]
    measure: str | None
    reckoned_from: dict[str, int]
    standings: list[StandingResource]
    verdicts: list[PairVerdictResource]
    slices: list[Slice]
    confusion: list[tuple[int, str | None, str | None, int]]


@dataclass(frozen=True, slots=True)
class CaseAnswerResource:
    """One answer to a case; without one, `error` says why where that is known."""

    place: int
    repeat: int
    status: str
    answer: str | None
    passed: bool | None
    score: float | None
    milliseconds: int | None
    cost_usd: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class CaseResource:
    """A case of a run with what everybody answered; `question` is its beginning."""

    number: int
    question: str
    reference: str | None
    answers: list[CaseAnswerResource]


def evaluation_listed(
    row: Evaluation, run: EvaluationRun | None, runs: int, verdict: str
) -> EvaluationListed:
    """An evaluation in the list."""
    run_id = run.id if run else None
    return EvaluationListed(
        row.id, row.name, row.status, row.cases, runs, run_id, verdict, row.created_at
    )


def run_listed(here: Opened) -> RunListed:
    """A run in the list."""
    run = here.run
    said = lead(run, here.figures, here.names)
    return RunListed(run.id, run.number, run.status, said, run.created_at, run.ended_at)


def report_resource(here: Opened, provisional: tuple[str, ...]) -> ReportResource:
    """The evidence of a run."""
    head, figures = head_of(here), here.figures
    if figures is None:
        return ReportResource(
            here.run.id, False, head.lead, head.next, list(provisional), None, {}, [], [], [], []
        )
    labels: list[str | None] = [None, *figures.labels]
    return ReportResource(
        run_id=here.run.id,
        is_made=True,
        lead=head.lead,
        next=head.next,
        provisional=list(provisional),
        measure=figures.measure,
        reckoned_from=dict(figures.reckoned_from),
        standings=[
            StandingResource(
                one.place + 1,
                here.names[one.place],
                here.tuned[one.place],
                one.score,
                one.passes,
                one.median_ms,
                one.p95_ms,
                one.flakiness,
            )
            for one in figures.standings
        ],
        verdicts=[
            PairVerdictResource(first + 1, second + 1, sentence(one), one)
            for first, second, one in figures.pairs
        ],
        slices=list(figures.slices),
        confusion=[
            (one.place + 1, labels[wanted], labels[found], count)
            for one in figures.mixed
            for wanted, found, count in one.cells
        ],
    )


def case_resource(here: Opened, row: Any, answers: list[Any]) -> CaseResource:
    """A case with its answers."""
    return CaseResource(
        row.number,
        row.question,
        row.reference,
        [
            CaseAnswerResource(
                here.places[one.contestant_id] + 1,
                one.repeat,
                one.status,
                said_of(one) or None,
                one.passed,
                one.score,
                one.total_ms,
                None if one.cost is None else one.cost / 1_000_000,
                one.error,
            )
            for one in answers
        ],
    )
