"""The fields of forms and queries that name rows by their ids."""

from typing import NamedTuple

from tests.walls.expected import Sends

A_JOB = {"base_model": "gpt-4o-mini-2024-07-18", "nonce": "n"}
AN_EVALUATION = {"name": "Held out", "graders": [1]}
A_RUN = {"contestants": [{"model": "gpt-4o-mini-2024-07-18"}]}
A_GRADER = {"type": "match", "name": "right", "reference": "{{ item.answer }}"}
A_JUDGE = {"type": "pairwise", "name": "better", "model": "m", "rubric": "The shorter."}
A_BASE = {"model": "gpt-4.1", "evaluation_id": 1}
JOBS_ROWS = {
    "connection_id": "connection_id",
    "training_version_id": "version_id",
    "validation_version_id": "version_id",
}


class NamedRow(NamedTuple):
    """A field that names a row by its id, or the path to one in a body (`contestants.0.model_id`),
    and what is answered where the row is another team's.

    `row` is the row's name in paths, `sends` what else makes the request right.
    """

    route: str
    field: str
    row: str
    answer: int
    sends: Sends


NAMED_ROWS = [
    NamedRow(route, field, row, answer, sends)
    for route, answer, sends in (
        ("jobs.create", 422, A_JOB),
        ("api.jobs.create", 422, {"base_model": A_JOB["base_model"]}),
        ("jobs.new", 200, A_JOB),
        ("jobs.receipt", 200, A_JOB),
    )
    for field, row in JOBS_ROWS.items()
]
NAMED_ROWS.append(NamedRow("api.rescues.create", "connection_ids", "connection_id", 422, {}))
NAMED_ROWS.append(NamedRow("api.versions.verdicts", "validation_version_id", "version_id", 422, {}))
NAMED_ROWS += [
    NamedRow("datasets.leaks", "training_version_id", "version_id", 422, {}),
    NamedRow("datasets.leak_note", "validation_version_id", "version_id", 422, {}),
    NamedRow("api.versions.leaks", "training_version_id", "version_id", 422, {}),
    NamedRow("graders.try", "version_id", "version_id", 422, {}),
    NamedRow("graders.try_draft", "version_id", "version_id", 422, A_GRADER),
    NamedRow("api.graders.try", "version_id", "version_id", 422, {}),
    NamedRow("api.graders.try_draft", "version_id", "version_id", 422, {"grader": A_GRADER}),
    NamedRow("graders.judge", "version_id", "version_id", 422, {}),
    NamedRow("api.graders.price", "version_id", "version_id", 422, {}),
    NamedRow("api.graders.judge", "version_id", "version_id", 422, {}),
    NamedRow("graders.create", "connection_id", "connection_id", 422, A_JUDGE),
    NamedRow("api.graders.create", "connection_id", "connection_id", 422, {"grader": A_JUDGE}),
    NamedRow("api.evaluations.create", "version_id", "version_id", 422, AN_EVALUATION),
    NamedRow(
        "api.evaluation_runs.start", "contestants.0.connection_id", "connection_id", 422, A_RUN
    ),
    NamedRow(
        "api.evaluation_runs.start",
        "contestants.0.recorded_id",
        "contestant_id",
        422,
        {"contestants": [{}]},
    ),
    NamedRow("golden.record", "evaluation_id", "evaluation_id", 422, {}),
    NamedRow("api.golden.record", "evaluation_id", "evaluation_id", 422, {}),
    NamedRow("golden.record_base", "connection_id", "connection_id", 422, A_BASE),
    NamedRow("api.golden.record_base", "connection_id", "connection_id", 422, A_BASE),
    NamedRow("schedules.ask", "contestant_id", "contestant_id", 422, {}),
    NamedRow("api.schedules.ask", "contestant_id", "contestant_id", 422, {}),
    NamedRow("job_evaluations.ask", "evaluation_id", "evaluation_id", 422, {}),
    NamedRow("api.job_evaluations.ask", "evaluation_id", "evaluation_id", 422, {}),
    NamedRow("golden.check", "connection_id", "connection_id", 422, {"model": "gpt-4.1"}),
    NamedRow("api.golden.check", "connection_id", "connection_id", 422, {"model": "gpt-4.1"}),
    NamedRow("rounds.ask", "user_id", "user_id", 422, {}),
    NamedRow("duels.begin", "grader_id", "grader_id", 422, {}),
    NamedRow("api.duels.begin", "grader_id", "grader_id", 422, {}),
    NamedRow("duels.price", "grader_id", "grader_id", 200, {}),
    NamedRow("moderation.ask", "connection_id", "connection_id", 422, {}),
    NamedRow("api.moderation.ask", "connection_id", "connection_id", 422, {}),
]
