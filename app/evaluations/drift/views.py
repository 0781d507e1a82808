"""What pages show of models that are asked again by themselves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.budgets.money import said as money
from app.catalog.belief import Dates, all_dates, in_words
from app.catalog.models import TunedModel
from app.catalog.stopping import stop_among
from app.core.views import Dot, DotChart, FormState
from app.evaluations.drift import queries
from app.evaluations.drift.comparing import ANEW, BASELINE, DRIFT, ESTIMATE
from app.evaluations.drift.models import Look, Schedule, ScheduleStatus
from app.evaluations.models import Contestant, Evaluation, RunStatus
from app.evaluations.reports import queries as reports
from app.evaluations.reports.charts import marks, scale
from app.evaluations.reports.marks import marked
from app.evaluations.reports.scores import UNKNOWN, plain, said, span
from app.evaluations.reports.views import GONE
from app.evaluations.reports.words import STATES
from app.evidence.base import Drift, Estimate, Interval
from app.evidence.words import notes, sentence

OFTEN = {"day": "every day", "week": "every week", "month": "every month"}
NOT_YET = "Not asked again yet."
DAY = timedelta(days=1)
BADGES = {
    ScheduleStatus.ACTIVE: ("running", "Asked again"),
    ScheduleStatus.PAUSED: ("paused", "Paused"),
    ScheduleStatus.ENDED: ("cancelled", "Ended"),
}


@dataclass(frozen=True, slots=True)
class LookRow:
    """One time: its run, what was scored, what that says. `is_drift` where it drifted."""

    moment: datetime
    run_id: int | None
    number: int | None
    score: str
    lead: str
    notes: tuple[str, ...]
    is_drift: bool


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A model that is asked again. `last_day` is the day on which it stops, before the next time;
    `next_at` the next time, None where there is none.
    """

    id: int
    name: str
    terms: str
    status: str
    status_words: str
    lead: str
    is_drift: bool
    words: str
    next_at: datetime | None
    last_day: str
    baseline_run_id: int
    baseline_number: int
    looks: tuple[LookRow, ...]
    chart: DotChart | None
    by: str
    is_paused: bool
    is_ended: bool


@dataclass(frozen=True, slots=True)
class SchedulesView:
    """What of an evaluation is asked again by itself."""

    evaluation_id: int
    rows: tuple[ScheduleRow, ...]
    can_spend: bool
    can_begin: bool
    topic: str


@dataclass(frozen=True, slots=True)
class NewView:
    """The form. `choices` are the models of runs that are done."""

    project_id: int
    evaluation_id: int
    name: str
    cases: int
    choices: tuple[tuple[int, str], ...]
    often: tuple[tuple[str, str], ...]
    form: FormState


def new_view(session: Session, evaluation: Evaluation, form: FormState) -> NewView:
    """The form with whom it may be about."""
    found = queries.baselines(session, evaluation.id)
    return NewView(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        name=evaluation.name,
        cases=evaluation.cases,
        choices=tuple((one.id, _choice(one)) for one in found),
        often=tuple(OFTEN.items()),
        form=form,
    )


def _choice(one: Contestant) -> str:
    times = f", each case {one.run.repeats} times" if one.run.repeats > 1 else ""
    return f"{one.name}, as in run {one.run.number} of {in_words(one.run.created_at.date())}{times}"


def schedules_view(session: Session, evaluation: Evaluation, *, can_spend: bool) -> SchedulesView:
    """An evaluation's schedules with what each time came to."""
    rows = queries.schedules_of(session, evaluation.id)
    looks: defaultdict[int, list[Look]] = defaultdict(list)
    for one in queries.looks_of(session, [row.id for row in rows]):
        looks[one.schedule_id].append(one)
    refs = [row.baseline.ref for row in rows if row.baseline.ref is not None]
    dates = all_dates(session, {ref.connection_id for ref in refs})
    tuned = reports.tuned_refs(session, [ref.id for ref in refs])
    return SchedulesView(
        evaluation_id=evaluation.id,
        rows=tuple(_row(row, looks[row.id], _last_day(row, dates, tuned)) for row in rows),
        can_spend=can_spend,
        can_begin=can_spend and bool(queries.baselines(session, evaluation.id)),
        topic=f"evaluation:{evaluation.id}",
    )


def _last_day(row: Schedule, dates: Dates, tuned: Mapping[int, TunedModel]) -> str:
    """The day on which a model stops, in words, where it is asked no more before that."""
    ref = row.baseline.ref
    if ref is None or row.due_at is None:
        return ""
    base = tuned[ref.id].base_model if ref.id in tuned else ref.name
    stop = stop_among(dates, ref.connection, ref.name, base)
    is_over = stop is not None and stop.day <= row.due_at.date() and not stop.is_earliest
    return in_words(stop.day) if stop is not None and is_over else ""


def _row(row: Schedule, looks: Sequence[Look], last_day: str) -> ScheduleRow:
    shown = tuple(map(_look, looks))
    latest = next((one for one, look in zip(shown, looks, strict=True) if look.drift), None)
    status, words = BADGES[ScheduleStatus(row.status)]
    cap = f", at most {money(row.cap)} each time" if row.cap is not None else ""
    return ScheduleRow(
        id=row.id,
        name=row.baseline.name,
        terms=f"{OFTEN[row.every]}{cap}",
        status=status,
        status_words=words,
        lead=latest.lead if latest else NOT_YET,
        is_drift=latest is not None and latest.is_drift,
        words=row.words or "",
        next_at=None if last_day else row.due_at,
        last_day=last_day,
        baseline_run_id=row.baseline.run_id,
        baseline_number=row.baseline.run.number,
        looks=shown,
        chart=_chart(row, [one for one in reversed(looks) if one.drift and one.scores]),
        by=row.creator.name if row.creator else GONE,
        is_paused=row.status == ScheduleStatus.PAUSED,
        is_ended=row.status == ScheduleStatus.ENDED,
    )


def _look(one: Look) -> LookRow:
    run = one.run
    run_id, number = (run.id, run.number) if run else (None, None)
    if one.drift is None or one.scores is None:
        lead = one.words or (STATES[RunStatus(run.status)][1] if run else "")
        return LookRow(one.moment, run_id, number, "", lead, (), is_drift=False)
    found: Drift = DRIFT.validate_python(one.drift)
    score: Estimate = ESTIMATE.validate_python(one.scores[ANEW])
    value = UNKNOWN if score.value is None else said(score.value, found.verdict.measure)
    return LookRow(
        one.moment,
        run_id,
        number,
        value,
        f"{sentence(found)}.",
        notes(replace(found.verdict, adjusted_p=None)),
        is_drift=found.is_shown,
    )


class _Point(NamedTuple):
    at: datetime
    name: str
    label: str
    score: Estimate
    is_drift: bool = False


def _chart(row: Schedule, looks: Sequence[Look]) -> DotChart | None:
    """The score over time with its intervals, the baseline first; hollow where it did not drift."""
    if not looks:
        return None
    found: list[Drift] = [DRIFT.validate_python(one.drift) for one in looks]
    measure = found[-1].verdict.measure
    run = row.baseline.run
    points = [_Point(run.created_at, f"run {run.number}", "base", _score(looks[-1], BASELINE))]
    for one, seen in zip(looks, found, strict=True):
        name = f"run {one.run.number}" if one.run else "a run"
        label = "drifted" if seen.is_shown else ""
        points.append(_Point(one.moment, name, label, _score(one, ANEW), seen.is_shown))
    points.sort(key=lambda one: one.at)
    known = [(one, one.score.value) for one in points if one.score.value is not None]
    if not known:
        return None
    ends = [one.score.interval or Interval(value, value) for one, value in known]
    first, last = known[0][0].at, known[-1][0].at
    y_marks = marks(min(one.low for one in ends), max(one.high for one in ends))
    up, across = scale(y_marks), scale((first.timestamp(), max(last, first + DAY).timestamp()))
    return DotChart(
        dots=marked(
            [
                Dot(
                    label=one.label,
                    name=one.name,
                    x=across(one.at.timestamp()),
                    y=up(value),
                    low=up(reach.low),
                    high=up(reach.high),
                    across=in_words(one.at.date()),
                    up=f"{said(value, measure)} ({span(one.score.interval, measure)})",
                    is_base=not one.is_drift,
                )
                for (one, value), reach in zip(known, ends, strict=True)
            ]
        ),
        x_ticks=((0.0, in_words(first.date())), (100.0, in_words(last.date()))),
        y_ticks=tuple((up(value), plain(value, measure)) for value in y_marks),
    )


def _score(look: Look, place: int) -> Estimate:
    found: Estimate = ESTIMATE.validate_python((look.scores or [])[place])
    return found
