"""What the pages of golden recordings show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.budgets.money import said
from app.catalog.models import TunedModel
from app.catalog.stopping import stop_of
from app.connections.models import Connection
from app.core.forms import UNSTORABLE
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
_ALIKE = (
    "Asked {repeats} times, it did equally well in each of the {cases:,} cases every time: nothing "
    "tells two runs of it apart."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An evaluation to record: `cost` is what one time of all its cases is to come to, empty where
    nobody said yet who is asked.
    """

    id: int
    name: str
    cases: int
    cost: str


@dataclass(frozen=True, slots=True)
class RecordView:
    """The form. `day` is when the model stops, `source` whose word that is. `connections` are the
    choice for a model that was not tuned here, which has no `model_id`.
    """

    project_id: int
    model_id: int | None
    model: str
    connections: tuple[tuple[int, str], ...]
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


def record_view(
    session: Session, model: TunedModel, evaluations: Sequence[Evaluation], form: FormState
) -> RecordView:
    """The form with what each evaluation is to cost."""
    account, name = model.ref.connection, model.ref.name
    stop = stop_of(session, account, name)
    return RecordView(
        project_id=model.project_id,
        model_id=model.id,
        model=model.name,
        connections=(),
        day=stop.day if stop else None,
        source=stop.words if stop else "",
        evaluations=tuple(_choice(one, account, name) for one in evaluations),
        form=form,
    )


def base_view(
    session: Session,
    project_id: int,
    accounts: Sequence[Connection],
    evaluations: Sequence[Evaluation],
    form: FormState,
) -> RecordView:
    """The form for a model that was not tuned here: what it says of the model is what the form has
    in it.
    """
    name = UNSTORABLE.sub("", form.values.get("model", ""))
    chosen = form.values.get("connection_id", "")
    account = next((one for one in accounts if str(one.id) == chosen), None)
    stop = stop_of(session, account, name) if account and name else None
    return RecordView(
        project_id=project_id,
        model_id=None,
        model=name,
        connections=tuple((one.id, one.name) for one in accounts),
        day=stop.day if stop else None,
        source=stop.words if stop else "",
        evaluations=tuple(_choice(one, account, name) for one in evaluations),
        form=form,
    )


def _choice(evaluation: Evaluation, account: Connection | None, name: str) -> Choice:
    cost = ""
    if account is not None and name:
        asked = Asked(account, name)
        cost = said(estimate(evaluation, asked, repeats=1, max_tokens=512).expected)
    return Choice(evaluation.id, evaluation.name, evaluation.cases, cost)


def slot_view(
    session: Session, model: TunedModel, rows: Sequence[GoldenRecording], *, can_spend: bool
) -> SlotView:
    """What of recordings a model's page shows."""
    stop = stop_of(session, model.ref.connection, model.ref.name)
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
    if not share and not found.noise_floor:
        return (_ALIKE.format(cases=found.cases, repeats=found.repeats),)
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
