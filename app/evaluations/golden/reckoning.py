"""How much a recorded model differs from itself, and whether a successor is no worse: numpy's work,
done by a worker.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.core import leases
from app.core.database import read_only, unit_of_work
from app.core.events import announce
from app.evaluations.golden import queries
from app.evaluations.golden.models import GoldenRecording, SuccessionCheck
from app.evidence.base import Flakiness, NonInferiority

LEASE_SECONDS = 120.0
Table = list[list[float]]
FLAKINESS, NON_INFERIORITY = TypeAdapter(Flakiness), TypeAdapter(NonInferiority)


class Answers(NamedTuple):
    """Who answered, and whether each answer passed: by case, then by repeat."""

    name: str
    passed: Mapping[int, Mapping[int, bool]]


def reckon_noise(recording_id: int) -> None:
    """How much a recording's model differs from itself."""
    from app.evidence.repeats import flakiness  # noqa: PLC0415 - numpy

    work = _claimed(GoldenRecording, recording_id)
    if work is None:
        return
    fence, found, repeats = work
    answers = found[0]
    noise = flakiness(table_of(answers, sorted(answers.passed), repeats), measure="passes")
    with unit_of_work() as session:
        row = leases.hold(session, GoldenRecording, recording_id, fence)
        if row is not None:
            row.noise = FLAKINESS.dump_python(noise, mode="json")
            _settle(session, row)


def reckon_verdict(check_id: int) -> None:
    """Whether a successor is at most so much worse."""
    from app.evidence.comparison import non_inferiority  # noqa: PLC0415 - numpy

    work = _claimed(SuccessionCheck, check_id)
    if work is None:
        return
    fence, (candidate, baseline, *_), repeats = work
    cases = sorted(candidate.passed.keys() | baseline.passed.keys())
    with read_only() as session:
        margin = session.get_one(SuccessionCheck, check_id).margin
    verdict = non_inferiority(
        table_of(candidate, cases, repeats),
        table_of(baseline, cases, repeats),
        names=(candidate.name, baseline.name),
        measure="passes",
        margin=margin,
    )
    with unit_of_work() as session:
        row = leases.hold(session, SuccessionCheck, check_id, fence)
        if row is not None:
            row.verdict = NON_INFERIORITY.dump_python(verdict, mode="json")
            _settle(session, row)


def _claimed(model: Any, row_id: int) -> tuple[int, Sequence[Answers], int] | None:
    """The fence, the answers of the run's contestants by place, and how often each case was
    asked.
    """
    with unit_of_work() as session:
        run_id, is_over = queries.run_of_due(session, model, row_id)
        fence = leases.claim(session, model, row_id, seconds=LEASE_SECONDS) if is_over else None
    if fence is None:
        return None
    with read_only() as session:
        contestants = queries.contestants_of(session, run_id)
        repeats = contestants[0].run.repeats
        return fence, [answers_of(session, one.id, one.name) for one in contestants], repeats


def answers_of(session: Session, contestant_id: int, name: str) -> Answers:
    """What a contestant's graded answers came to."""
    passed: dict[int, dict[int, bool]] = {}
    for case_id, repeat, has_passed in queries.passes_of(session, contestant_id):
        passed.setdefault(case_id, {})[repeat] = has_passed
    return Answers(name, passed)


def table_of(answers: Answers, cases: Sequence[int], repeats: int) -> Table:
    """Its scores by case and repeat; NaN where there is none."""
    return [[_score(answers.passed.get(case, {}).get(n)) for n in range(repeats)] for case in cases]


def _score(passed: bool | None) -> float:
    return math.nan if passed is None else float(passed)


def _settle(session: Session, row: GoldenRecording | SuccessionCheck) -> None:
    leases.settle(row, due_at=None)
    announce(session, f"evaluation_run:{row.run_id}", f"project:{row.project_id}")
    if isinstance(row, SuccessionCheck):  # the recording's page shows it
        recording = session.get_one(GoldenRecording, row.recording_id)
        announce(session, f"evaluation_run:{recording.run_id}")
