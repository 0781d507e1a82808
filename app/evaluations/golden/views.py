"""What the pages of golden recordings show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.budgets.money import said
from app.catalog.belief import Said, all_dates
from app.catalog.models import TunedModel
from app.core.views import FormState
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evaluations.golden.reckoning import FLAKINESS, NON_INFERIORITY
from app.evaluations.models import Evaluation, EvaluationRun, RunStatus
from app.evaluations.prices import Asked, estimate
from app.evidence.base import Flakiness
from app.evidence.words import amount, notes, sentence

STATES = {
    RunStatus.RUNNING: "running",
    RunStatus.PAUSED: "paused",
    RunStatus.DONE: "complete",
    RunStatus.STOPPED: "stopped",
}


_DISAGREES = (
    "It passed a case one time and failed it another in {share:.1f} % of the {cases:,} cases, "
    "each asked {repeats} times."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An evaluation to record: `cost` is what one time of all its cases is to come to."""

    id: int
    name: str
    cases: int
    cost: str


@dataclass(frozen=True, slots=True)
class RecordView:
    """The form. `day` is when the model stops, `source` whose word that is."""

    project_id: int
    model_id: int
    model: str
    day: date | None
    source: str
    evaluations: tuple[Choice, ...]
    form: FormState


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording in a list."""

    id: int
    run_id: int
    evaluation: str
    state: str
    answers: int
    expected: int
    repeats: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SlotView:
    """What stands on a model's page. Nothing where there is no day and no recording."""

    model_id: int
    day: date | None
    source: str
    rows: tuple[RecordingRow, ...]
    can_spend: bool


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A successor. `lead` is the verdict's sentence, or how far it is."""

    run_id: int
    model: str
    lead: str
    notes: tuple[str, ...]
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShowView:
    """A recording: what it holds, how much the model differs from itself, who was held against
    it.
    """

    project_id: int
    id: int
    model_id: int | None
    model: str
    evaluation_id: int
    row: RecordingRow
    words: str
    passed: int
    spent: str
    noise: tuple[str, ...]
    checks: tuple[CheckRow, ...]
    connections: tuple[tuple[int, str], ...]
    nonce: str
    can_spend: bool
    topic: str
    form: FormState


def stop_of(session: Session, model: TunedModel) -> Said | None:
    """Whose word counts about the day on which a model stops."""
    account = model.ref.connection
    dates = all_dates(session, [account.id])
    return next(iter(dates.of_tuned(account, model.ref.name, model.base_model)), None)


def record_view(
    session: Session, model: TunedModel, evaluations: Sequence[Evaluation], form: FormState
) -> RecordView:
    """The form with what each evaluation is to cost."""
    stop = stop_of(session, model)
    return RecordView(
        project_id=model.project_id,
        model_id=model.id,
        model=model.name,
        day=stop.day if stop else None,
        source=stop.words if stop else "",
        evaluations=tuple(_choice(model, one) for one in evaluations),
        form=form,
    )


def _choice(model: TunedModel, evaluation: Evaluation) -> Choice:
    asked = Asked(model.ref.connection, model.ref.name)
    cost = estimate(evaluation, asked, repeats=1, max_tokens=512)
    return Choice(evaluation.id, evaluation.name, evaluation.cases, said(cost.expected))


def slot_view(
    session: Session, model: TunedModel, rows: Sequence[GoldenRecording], *, can_spend: bool
) -> SlotView:
    """What of recordings a model's page shows."""
    stop = stop_of(session, model)
    return SlotView(
        model.id,
        stop.day if stop else None,
        stop.words if stop else "",
        tuple(map(_row, rows)),
        can_spend,
    )


def _row(one: GoldenRecording) -> RecordingRow:
    run = one.run
    return RecordingRow(
        id=one.id,
        run_id=run.id,
        evaluation=run.evaluation.name,
        state=STATES[RunStatus(run.status)],
        answers=sum(each.graded for each in run.contestants),
        expected=run.evaluation.cases * run.repeats,
        repeats=run.repeats,
        at=one.created_at,
    )


def show_view(
    one: GoldenRecording,
    checks: Sequence[SuccessionCheck],
    connections: Sequence[tuple[int, str]],
    form: FormState,
    *,
    nonce: str,
    can_spend: bool,
) -> ShowView:
    """A recording's page."""
    run = one.run
    who = run.contestants[0]
    return ShowView(
        project_id=one.project_id,
        id=one.id,
        model_id=one.model_id,
        model=who.name,
        evaluation_id=run.evaluation_id,
        row=_row(one),
        words=run.words or "",
        passed=who.passed,
        spent=said(run.spent),
        noise=noise_in_words(one),
        checks=tuple(map(_check, checks)),
        connections=tuple(connections),
        nonce=nonce,
        can_spend=can_spend,
        topic=f"evaluation_run:{run.id}",
        form=form,
    )


def noise_in_words(one: GoldenRecording) -> tuple[str, ...]:
    """How much the model differs from itself."""
    if one.noise is None:
        return ()
    found: Flakiness = FLAKINESS.validate_python(one.noise)
    if found.noise_floor is None:
        return ("Each case was asked once: nobody knows how much it differs from itself.",)
    share = found.disagreeing.value or 0.0
    floor = amount(found.noise_floor, "passes")
    return (
        _DISAGREES.format(share=share * 100, cases=found.cases, repeats=found.repeats),
        f"Two runs of this very model differ by less than {floor} in 95 of 100.",
    )


def _check(one: SuccessionCheck) -> CheckRow:
    run = one.run
    candidate = next(each for each in run.contestants if each.recorded_id is None)
    if one.verdict is None:
        lead = _progress(run)
        return CheckRow(run.id, candidate.name, lead, (), "", one.created_at)
    found = NON_INFERIORITY.validate_python(one.verdict)
    return CheckRow(
        run.id, candidate.name, sentence(found), notes(found), found.kind, one.created_at
    )


def _progress(run: EvaluationRun) -> str:
    done = sum(one.graded for one in run.contestants)
    expected = run.evaluation.cases * run.repeats * len(run.contestants)
    return f"{STATES[RunStatus(run.status)]}, {done:,} of {expected:,} answers"
