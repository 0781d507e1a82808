"""A team's years at OpenAI, from real rows: the same for the same seed, project and day."""

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.witness import dice, history_jobs
from tests.witness import history_traffic as traffic
from tests.witness.content import EXAMPLES, Rows
from tests.witness.history_evals import criteria_of, items_of, make_eval, make_run
from tests.witness.history_jobs import Made
from tests.witness.organisation import DAY, Organisation
from tests.witness.script import FREE_ACCOUNT
from tests.witness.state import Json, State, model

if TYPE_CHECKING:
    from tests.witness.handle import Witness

SOURCE_OF = {"supervised": "chat", "dpo": "preference", "reinforcement": "reinforcement"}
OTHER_PURPOSES = ("assistants", "batch", "batch_output", "user_data", "vision")
BASES = {
    "gpt-4o-2024-08-06": "2027-01-14",
    "gpt-4.1-2025-04-14": "2027-01-14",
    "gpt-6-luna": None,
}


def fill(witness: "Witness", **asked: Any) -> None:
    """Fill the project that this handle sees: see `build` for what may be asked. Twice with two
    seeds adds to it, as when more has happened since.
    """
    given = {"now": int(time.time()) // DAY * DAY, **asked}
    witness.tell("/_fill", given, timeout=600)


def build(
    organisation: Organisation,
    state: State,
    *,
    now: int,
    jobs: int = 12,
    events: int = 40,
    files: int = 16,
    file_bytes: int = 20_000,
    evals: int = 3,
    runs: int = 2,
    items: int = 20,
    completions: int = 4,
    usage_days: int = 10,
    seed: int = 1,
) -> None:
    """Training files, of which the newest tenth is named by no job, the second has the content of
    the first, the fourth is refused; files of other purposes; jobs of all
    methods and ends with so many events each, result files (every third in base64), checkpoints,
    models; evals with runs of so many items; stored completions for each of the first three tuned
    models, and what all were asked in the last days.
    """
    name = f"{seed}/{state.name}"
    for base, shutdown in BASES.items():
        if not any(there["id"] == base for there in state.models):
            state.models.append(model(base, shutdown=shutdown))
    trained_on = _fill_files(state, name, now, files, file_bytes)
    made = [
        history_jobs.make(name, n, now=now, events=events, files=trained_on) for n in range(jobs)
    ]
    for job in reversed(made):
        _keep_job(state, job)
    _fill_evals(state, name, now, evals, runs, items)
    tuned = [job.job["fine_tuned_model"] for job in made if job.job["fine_tuned_model"]]
    for tuned_model in tuned[:3]:
        for n in range(completions):
            stored, messages = traffic.completion(name, tuned_model, n, now=now)
            state.completions.append(stored)
            state.messages[stored["id"]] = messages
    for job in made:
        for point in job.checkpoints()[:1]:
            organisation.permissions[point["fine_tuned_model_checkpoint"]] = traffic.permissions(
                name, point, now=now
            )
    for day in range(now // DAY - usage_days, now // DAY):
        organisation.usage[day] += traffic.usage(
            name, day, tuned, project_id=state.project_id, api_key_id=state.api_key_id
        )


def _fill_files(
    state: State, name: str, now: int, files: int, file_bytes: int
) -> dict[str, list[str]]:
    """Make them; the ids that jobs may name, by method."""
    by_method: dict[str, list[str]] = {method: [] for method in SOURCE_OF}
    methods = ("supervised", "supervised", "dpo", "supervised", "reinforcement")
    for n in range(files):
        method = methods[n % len(methods)]
        start = 0 if n < 2 else n
        made = state.add_file(
            f"{SOURCE_OF[method]}-{n:04d}.jsonl",
            Rows(SOURCE_OF[method], file_bytes, start),
            "fine-tune",
            id=f"file-{dice.token(name, 'file', n, length=22)}",
            created_at=now - (files - n) * DAY // 8,
            refused=FREE_ACCOUNT if n == 3 else None,
        )
        if n < files - max(1, files // 10):
            by_method[method].append(made["id"])
    for n, purpose in enumerate(OTHER_PURPOSES):
        content = f"something of purpose {purpose} of {name}\n".encode()
        file_id = f"file-{dice.token(name, purpose, n, length=22)}"
        state.add_file(f"{purpose}.txt", content, purpose, id=file_id, created_at=now - DAY)
    return by_method


def _keep_job(state: State, made: Made) -> None:
    job = made.job
    state.runs.insert(0, job)
    state.visible_at[job["id"]] = 0.0
    state.events.makers[job["id"]] = made.events
    state.checkpoints.makers[job["id"]] = made.checkpoints
    for n, file_id in enumerate(job["result_files"]):
        state.add_file(
            f"step_metrics-{n}.csv",
            made.results(),
            "fine-tune-results",
            id=file_id,
            created_at=job["finished_at"],
            is_encoded=made.number % 3 == 0,
        )
    if job["fine_tuned_model"]:
        named = [point["fine_tuned_model_checkpoint"] for point in made.checkpoints()]
        for tuned in dict.fromkeys([job["fine_tuned_model"], *named]):
            shutdown = "2027-01-14" if made.number % 2 else None
            state.models.append({**model(tuned, "acme", shutdown), "created": job["finished_at"]})


def _fill_evals(state: State, name: str, now: int, evals: int, runs: int, items: int) -> None:
    for n in range(evals):
        held = make_eval(name, n, now=now)
        state.evals.append(held)
        state.eval_runs[held["id"]] = []
        rows = (EXAMPLES / "banking77" / "validation.jsonl").read_bytes().splitlines()[:50]
        source = state.add_file(
            f"eval-{n}.jsonl",
            b"".join(b'{"item": ' + row + b"}\n" for row in rows),
            "evals",
            id=f"file-{dice.token(name, 'eval-file', n, length=22)}",
            created_at=held["created_at"],
        )
        for k in range(runs):
            run = make_run(held, name, n, k, items=items, source=source["id"])
            shown = items_of(held, run, name, items)
            run["result_counts"] = counts(shown)
            run["per_testing_criteria_results"] = criteria_of(held, shown)
            state.eval_runs[held["id"]].append(run)
            state.eval_items.makers[run["id"]] = partial(items_of, held, run, name, items)


def counts(items: list[Json]) -> Json:
    """How a run went, added up."""
    passed = sum(item["status"] == "pass" for item in items)
    return {"errored": 0, "failed": len(items) - passed, "passed": passed, "total": len(items)}
