"""The fields of forms and queries that name rows by their ids."""

from typing import NamedTuple

from tests.walls.expected import Sends

A_JOB = {"base_model": "gpt-4o-mini-2024-07-18", "nonce": "n"}
A_GRADER = {"type": "match", "name": "right", "reference": "{{ item.answer }}"}
JOBS_ROWS = {
    "connection_id": "connection_id",
    "training_version_id": "version_id",
    "validation_version_id": "version_id",
}


class NamedRow(NamedTuple):
    """A field that names a row by its id, and what is answered where the row is another team's.

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
    NamedRow("rounds.ask", "user_id", "user_id", 422, {}),
    NamedRow("duels.begin", "grader_id", "grader_id", 422, {}),
    NamedRow("api.duels.begin", "grader_id", "grader_id", 422, {}),
    NamedRow("duels.price", "grader_id", "grader_id", 200, {}),
    NamedRow("moderation.ask", "connection_id", "connection_id", 422, {}),
    NamedRow("api.moderation.ask", "connection_id", "connection_id", 422, {}),
]
