"""What an object of a provider's list means for the manifest: its line, and what it leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.providers.base import Archive, Archived
from app.rescue.models import Kind, Outcome

# The order of fetching: what is lost first comes first.
RANKS = {
    Kind.EVAL: 8,
    Kind.EVAL_RUN: 9,
    Kind.EVAL_ITEMS: 10,
    Kind.MODEL: 20,
    Kind.JOB: 29,
    Kind.JOB_EVENTS: 30,
    Kind.CHECKPOINTS: 31,
    Kind.PERMISSIONS: 32,
    Kind.FILE: 40,
    Kind.USAGE: 50,
    Kind.COMPLETION: 60,
}
RANK_OF_EVAL_FILES = 11
EVAL_FILES = "evals"
PURPOSES = {"fine-tune", "fine-tune-results", EVAL_FILES}
ENDED_JOBS = {"succeeded", "failed", "cancelled"}
ENDED_RUNS = {"completed", "failed", "canceled", "cancelled"}
LISTED_NOWHERE = "No list shows it any more."
LONGEST_NAME = 255
COUNTS = ("total", "passed", "failed", "errored")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the manifest in the making. `raw` is the whole object where its list brought it:
    home then, or with `is_begun` only the beginning of it. `follows` are the objects it leads to;
    they are fetched again whenever it is another than it was, and with `is_open` at each look. What
    `is_for_the_named` counts only where something has named the object already.
    """

    kind: Kind
    object_id: str
    parent_id: str | None = None
    name: str = ""
    rank: int = 0
    announced: int | None = None
    facts: Json = field(default_factory=dict)
    raw: bytes | None = None
    outcome: Outcome = Outcome.WAITING
    error: str | None = None
    is_begun: bool = False
    is_open: bool = False
    is_for_the_named: bool = False
    follows: tuple["Line", ...] = ()


def lines_of(archive: Archive, parents: Sequence[str], items: Sequence[Archived]) -> list[Line]:
    """The lines of a page of one of the lists that a look reads."""
    if archive is Archive.MODELS:
        return _models(items)
    read = {
        Archive.EVALS: _eval,
        Archive.EVAL_RUNS: _run,
        Archive.JOBS: _job,
        Archive.FILES: _file,
        Archive.COMPLETIONS: _completion,
    }[archive]
    return [line for item in items if (line := read(item, parents)) is not None]


def is_tuned(model: str) -> bool:
    """Whether a model's name says that a team made it: OpenAI's spelling, or Azure's."""
    return model.startswith("ft:") or ".ft-" in model


def base_of(model: str) -> str:
    """The base a tuned model's name speaks of."""
    return model.split(":")[1] if model.startswith("ft:") else model.partition(".ft-")[0]


def _eval(item: Archived, _parents: Sequence[str]) -> Line:
    criteria = item.fields.get("testing_criteria")
    return _home(
        Kind.EVAL,
        item,
        name=text_of(item.fields, "name"),
        facts={
            **plain(item.fields, "created_at"),
            "criteria": len(criteria) if isinstance(criteria, list) else 0,
        },
    )


def _run(item: Archived, parents: Sequence[str]) -> Line:
    counts = item.fields.get("result_counts")
    status = text_of(item.fields, "status")
    counts = counts if isinstance(counts, dict) else {}
    items = Line(
        Kind.EVAL_ITEMS,
        item.object_id,
        parent_id=parents[0],
        name=text_of(item.fields, "name"),
        rank=RANKS[Kind.EVAL_ITEMS],
        facts=plain(counts, "total"),
    )
    return _home(
        Kind.EVAL_RUN,
        item,
        parent_id=parents[0],
        name=text_of(item.fields, "name"),
        facts={
            **plain(item.fields, "created_at"),
            "status": status,
            "model": text_of(item.fields, "model"),
            "counts": plain(counts, *COUNTS),
        },
        is_open=status not in ENDED_RUNS,
        follows=(items, *_named_files(_run_file(item.fields), rank=RANK_OF_EVAL_FILES)),
    )


def _run_file(fields: Json) -> list[object]:
    """The file a run took its rows from, where it names one."""
    source = fields.get("data_source")
    source = source.get("source") if isinstance(source, dict) else None
    return [source.get("id")] if isinstance(source, dict) else []


def _models(items: Sequence[Archived]) -> list[Line]:
    """What a team made, by its name or because a job names it; the others lend it the date of their
    base.
    """
    dates = {item.object_id: item.fields.get("shutdown_date") for item in items}
    return [
        _home(
            Kind.MODEL,
            item,
            name=item.object_id,
            facts={
                **plain(item.fields, "created", "owned_by", "shutdown_date"),
                "base": base_of(item.object_id),
                **plain({"base_shutdown_date": dates.get(base_of(item.object_id))}),
            },
            is_for_the_named=not is_tuned(item.object_id),
        )
        for item in items
    ]


def _job(item: Archived, _parents: Sequence[str]) -> Line:
    fields = item.fields
    status, model = text_of(fields, "status"), text_of(fields, "fine_tuned_model")
    results = fields.get("result_files")
    results = [one for one in results if is_id(one)] if isinstance(results, list) else []
    method = fields.get("method")
    name = text_of(fields, "user_provided_suffix") or model
    logs = tuple(
        Line(kind, item.object_id, parent_id=item.object_id, name=name, rank=RANKS[kind])
        for kind in (Kind.JOB_EVENTS, Kind.CHECKPOINTS)
    )
    files = [fields.get("training_file"), fields.get("validation_file"), *results]
    shared = (checkpoint_permissions(model, item.object_id),) if model else ()
    return _home(
        Kind.JOB,
        item,
        name=name or item.object_id,
        facts={
            **plain(fields, "created_at", "finished_at", "trained_tokens"),
            **plain(fields, "training_file", "validation_file"),
            "status": status,
            "base_model": text_of(fields, "model"),
            "model_name": model or None,
            "method": text_of(method, "type") if isinstance(method, dict) else None,
            "result_files": results,
        },
        is_open=status not in ENDED_JOBS,
        follows=(*logs, *shared, *_named_files(files), *_stopped(model)),
    )


def _stopped(model: str) -> tuple[Line, ...]:
    """The model of a job, in case that no list shows it any more."""
    if not is_id(model):
        return ()
    facts = {"base": base_of(model)} if is_tuned(model) else {}
    return (
        Line(
            Kind.MODEL,
            model,
            name=model,
            rank=RANKS[Kind.MODEL],
            facts=facts,
            outcome=Outcome.GONE,
            error=LISTED_NOWHERE,
        ),
    )


def _named_files(ids: Sequence[object], rank: int = RANKS[Kind.FILE]) -> list[Line]:
    """Files that something names, in case that no list shows them."""
    return [Line(Kind.FILE, str(one), name=str(one), rank=rank) for one in ids if is_id(one)]


def _file(item: Archived, _parents: Sequence[str]) -> Line | None:
    purpose = text_of(item.fields, "purpose")
    if purpose not in PURPOSES:
        return None
    size = item.fields.get("bytes")
    return Line(
        Kind.FILE,
        item.object_id,
        name=text_of(item.fields, "filename") or item.object_id,
        rank=RANK_OF_EVAL_FILES if purpose == EVAL_FILES else RANKS[Kind.FILE],
        announced=size if isinstance(size, int) and size >= 0 else None,
        facts={
            "purpose": purpose,
            **plain(item.fields, "created_at", "expires_at"),
        },
    )


def _completion(item: Archived, parents: Sequence[str]) -> Line:
    return Line(
        Kind.COMPLETION,
        item.object_id,
        parent_id=parents[0],
        rank=RANKS[Kind.COMPLETION],
        facts=plain(item.fields, "created", "model"),
        raw=item.raw,
        is_begun=True,
    )


def checkpoint_permissions(model: str, job_id: str) -> Line:
    """Whom a checkpoint was shared with, to be asked with an admin key."""
    return Line(Kind.PERMISSIONS, model, parent_id=job_id, name=model, rank=RANKS[Kind.PERMISSIONS])


def months(first: datetime, last: datetime) -> list[Line]:
    """The usage of each month from one moment to another, the newest first."""
    found = []
    year, month = last.year, last.month
    while (year, month) >= (first.year, first.month):
        name = f"{year}-{month:02}"
        found.append(Line(Kind.USAGE, name, name=name, rank=RANKS[Kind.USAGE]))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found


def month_of(name: str) -> tuple[datetime, datetime]:
    """When a month begins and ends, by the name that `months` gave it."""
    year, month = map(int, name.split("-"))
    after = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004
    return datetime(year, month, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)


def _home(kind: Kind, item: Archived, **given: Any) -> Line:
    return Line(
        kind,
        item.object_id,
        rank=RANKS[kind],
        raw=item.raw,
        outcome=Outcome.HOME,
        **given,
    )


def text_of(fields: Json, key: str) -> str:
    """A text that a page may show; empty where there is none."""
    found = fields.get(key)
    return found[:LONGEST_NAME] if isinstance(found, str) else ""


def is_id(value: object) -> bool:
    """Whether it can be the id of something."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def plain(fields: Json, *keys: str) -> dict[str, Any]:
    """Of these fields (all, where none is named) what a line of the manifest can hold: numbers and
    short texts; null for anything else.
    """
    found = {key: fields.get(key) for key in keys or fields}
    return {
        key: value if is_id(value) or isinstance(value, (int, float)) else None
        for key, value in found.items()
    }
