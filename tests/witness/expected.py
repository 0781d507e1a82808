"""What a rescue of a project should find, told from the witness's own state."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.witness.content import sha256_of, size_of
from tests.witness.organisation import DAY, Organisation
from tests.witness.state import Json, State

GROUPS_OF_USE = {"model", "project_id", "api_key_id"}
KINDS_OF_FILES = {"fine-tune", "fine-tune-results", "evals"}


def of(organisation: Organisation, state: State, *, with_lines: bool = False) -> list[Json]:
    """One row an object: `kind`, `id`, `parent`, `outcome` (home, refused, gone), and for what can
    be had `bytes` and `sha256`, of a file's decoded content, of an object's JSON without blanks, of
    a list's lines in that form in the order of the wire, each with its end of line. With
    `with_lines` those lines as well. Of the models those that the team tuned. `usage` is a row a
    day, each of one line: what each key's models were asked, as `GROUPS_OF_USE` add it up.
    """
    rows = [*_evals(state), *_jobs(organisation, state), *_files(state), *_completions(state)]
    rows += [_one("model", model) for model in state.models if model["id"].startswith("ft:")]
    rows += [
        _many("usage", day_of(day), None, [organisation.bucket(day, GROUPS_OF_USE)])
        for day in sorted(organisation.usage)
    ]
    if not with_lines:
        for row in rows:
            row.pop("lines_themselves", None)
    return rows


def day_of(number: int) -> str:
    """The date so many days after 1970 began."""
    return datetime.fromtimestamp(number * DAY, tz=UTC).date().isoformat()


def raw(item: Json) -> bytes:
    """An object as it is on the wire, but for blanks."""
    return msgspec.json.encode(item)


def _one(kind: str, item: Json, parent: str | None = None) -> Json:
    line = raw(item)
    digest = hashlib.sha256(line).hexdigest()
    row = {"kind": kind, "id": item["id"], "parent": parent, "outcome": "home"}
    return {**row, "bytes": len(line), "sha256": digest}


def _many(kind: str, object_id: str, parent: str | None, items: list[Json]) -> Json:
    lines = [raw(item) for item in items]
    whole = b"".join(line + b"\n" for line in lines)
    return {
        "kind": kind,
        "id": object_id,
        "parent": parent,
        "outcome": "home",
        "bytes": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
        "lines": len(lines),
        "lines_themselves": [line.decode() for line in lines],
    }


def _evals(state: State) -> Iterator[Json]:
    for held in state.evals:
        yield _one("eval", held)
        for run in state.eval_runs[held["id"]]:
            yield _one("eval_run", run, held["id"])
            yield _many("eval_items", run["id"], held["id"], state.eval_items[run["id"]])


def _jobs(organisation: Organisation, state: State) -> Iterator[Json]:
    for job in state.runs:
        yield _one("job", job)
        yield _many("job_events", job["id"], job["id"], state.events[job["id"]])
        points = state.checkpoints[job["id"]]
        yield _many("checkpoints", job["id"], job["id"], points)
        for point in points:
            name = point["fine_tuned_model_checkpoint"]
            given = organisation.permissions.get(name, [])
            yield _many("permissions", name, job["id"], given)


def _files(state: State) -> Iterator[Json]:
    for file in state.files:
        if file["purpose"] in KINDS_OF_FILES:
            yield _file(state, file["id"])
    there = {file["id"] for file in state.files}
    named = {name for job in state.runs for name in _files_of(job)}
    for file_id in sorted(named - there):
        yield {"kind": "file", "id": file_id, "parent": None, "outcome": "gone"}


def _files_of(job: Json) -> Iterator[str]:
    yield job["training_file"]
    if job["validation_file"] is not None:
        yield job["validation_file"]
    yield from job["result_files"]


def _file(state: State, file_id: str) -> Json:
    row: dict[str, Any] = {"kind": "file", "id": file_id, "parent": None, "outcome": "home"}
    if file_id in state.refused:
        return {**row, "outcome": "refused", "error": state.refused[file_id]}
    content = state.contents[file_id]
    return {**row, "bytes": size_of(content), "sha256": sha256_of(content)}


def _completions(state: State) -> Iterator[Json]:
    for stored in state.completions:
        messages = state.messages[stored["id"]]
        yield {
            **_one("completion", stored),
            "model": stored["model"],
            "lines": len(messages),
            "lines_themselves": [raw(message).decode() for message in messages],
        }
