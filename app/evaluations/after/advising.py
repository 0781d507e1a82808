"""Which checkpoint to take: the last, unless an earlier one is surely better. It is numpy's work,
done by a worker.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from app.core import leases
from app.core.database import read_only, unit_of_work
from app.core.events import announce
from app.evaluations.after.models import JobEvaluation
from app.evaluations.golden.queries import OVER, contestants_of
from app.evaluations.golden.reckoning import Answers, answers_of, table_of
from app.evaluations.models import EvaluationRun
from app.evidence.base import Verdict
from app.evidence.words import sentence

LEASE_SECONDS = 120.0
SURE = 0.05
VERDICT = TypeAdapter(Verdict)
LAST = "Take the last: no earlier checkpoint is surely better, {count} were asked."
EARLIER = "Take {name}: it is better than the last one, {count} being compared."


def advise(row_id: int) -> None:
    """Recommend a checkpoint once the run is over."""
    with unit_of_work() as session:
        run = session.get(EvaluationRun, session.get_one(JobEvaluation, row_id).run_id)
        if run is None or run.status not in OVER:
            return
        fence = leases.claim(session, JobEvaluation, row_id, seconds=LEASE_SECONDS)
    if fence is None:
        return
    with read_only() as session:
        run_id = session.get_one(JobEvaluation, row_id).run_id or 0
        contestants = contestants_of(session, run_id)
        repeats = contestants[0].run.repeats if contestants else 1
        last = next(
            (one for one in contestants if one.checkpoint_step is None and one.job_id), None
        )
        saved = [one for one in contestants if one.checkpoint_step is not None]
        answers = [answers_of(session, one.id, one.name) for one in saved]
        final = answers_of(session, last.id, last.name) if last else None
    advice = _advice(answers, final, repeats) if answers and final else None
    with unit_of_work() as session:
        row = leases.hold(session, JobEvaluation, row_id, fence)
        if row is not None:
            row.advice = advice
            leases.settle(row, due_at=None)
            announce(session, f"job:{row.job_id}")


def _advice(saved: Sequence[Answers], last: Answers, repeats: int) -> dict[str, Any]:
    """The verdict on the best of the earlier ones against the last, corrected for their number."""
    from app.evidence.comparison import compare  # noqa: PLC0415 - numpy

    cases = sorted({case for one in (*saved, last) for case in one.passed})
    final = table_of(last, cases, repeats)
    verdicts = [
        compare(table_of(one, cases, repeats), final, names=(one.name, last.name), measure="passes")
        for one in saved
    ]
    best = max(verdicts, key=lambda one: one.difference if one.difference is not None else -1.0)
    # Holm's first step is Bonferroni's: the smallest p of as many as there are.
    is_sure = best.kind == "better" and (best.p or 0.0) * len(verdicts) < SURE
    words = EARLIER.format(name=best.first, count=len(saved)) if is_sure else ""
    return {
        "words": words or LAST.format(count=len(saved)),
        "because": sentence(best),
        "verdict": VERDICT.dump_python(best, mode="json"),
    }
