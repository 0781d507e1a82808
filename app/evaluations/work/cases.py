"""Reading an evaluation's cases from where they come, a slice at a time; each case once."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.core import clock, leases, storage
from app.core.database import unit_of_work
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets.checks.deep.rows import open_rows
from app.datasets.gone import stored_file
from app.datasets.models import DatasetVersion
from app.evaluations.forms import MOST_CASES
from app.evaluations.models import Case, CaseTag, Evaluation, EvaluationStatus
from app.evaluations.sources import Draft, Unusable, draft_of, drawn, fields_that_sort, pasted_rows
from app.formats.base import JsonObject
from app.formats.registry import format_of

LEASE_SECONDS = 120
AT_ONCE = 250
LONGEST_ROW = 1_000_000  # bytes
MOST_REASONS = 20
NO_CASES = "None of the rows can be a case. The first {reason}."
TOO_LONG = "is longer than a megabyte"
UNREADABLE = "is neither JSON nor a question, a tab and its answer"


class Reading(NamedTuple):
    """An evaluation whose cases are being read: `read` rows are behind it, `cases` came of them."""

    evaluation_id: int
    fence: int
    source: JsonObject
    prompt: list[Any] | None
    version: DatasetVersion | None
    read: int
    cases: int


class Row(NamedTuple):
    """A row and its place: the `n`-th, on this line, with the id it keeps through edits."""

    n: int
    line: int
    row_id: int | None
    format: str | None
    value: JsonObject | None


def claim(session: Session, evaluation_id: int) -> Reading | None:
    """Take the reading of an evaluation's cases for a slice; None when it is another's, or done."""
    fence = leases.claim(session, Evaluation, evaluation_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = session.get_one(Evaluation, evaluation_id)
    version_id = row.dataset_version_id
    version = session.get(DatasetVersion, version_id) if version_id else None
    read = row.source.get("read", 0)
    return Reading(row.id, fence, dict(row.source), row.prompt, version, read, row.cases)


def read_cases(work: Reading, *, seconds: float) -> None:
    """Read rows for about so long. Raises LeaseLost, and Gone where the version's files are."""
    until = time.monotonic() + seconds
    batch: list[Row] = []
    fields, rows = _rows(work)
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            work = _keep(work, batch, fields)
            batch = []
            if time.monotonic() > until:
                _pass_on(work)
                return
    work = _keep(work, batch, fields)
    with unit_of_work() as session:
        _end(session, work)


def _rows(work: Reading) -> tuple[frozenset[str], Iterator[Row]]:
    """The fields that sort, and the rows behind those that were read."""
    if work.version is None:
        text = work.source["pasted"]
        return _pasted_fields(work, text), _pasted(work, text)
    blob, index = stored_file(work.version.sha256), storage.index_path(work.version.id)
    with open_rows(blob, index) as opened:
        facts = opened.index.facts
    found = {name for name, _ in facts.get("tags", ())}
    if facts.get("labels"):
        found.add("answer")
    return frozenset(found), _of_version(work, work.version)


def _of_version(work: Reading, version: DatasetVersion) -> Iterator[Row]:
    blob, index = stored_file(version.sha256), storage.index_path(version.id)
    with open_rows(blob, index) as opened:
        rows = opened.index.row_count
        numbers = drawn(rows, work.source.get("rows"), work.source.get("seed", 1))
        behind = [n for n in numbers if n > work.read] if numbers is not None else None
        found = opened.after(work.read) if behind is None else opened.these(behind)
        for batch in found:
            ids = {one.n: one.row_id for one in opened.index.rows_at(said.n for said in batch)}
            for said in batch:
                value = said.value if said.size <= LONGEST_ROW else None
                yield Row(said.n, said.line, ids.get(said.n), version.format, value)


def _pasted(work: Reading, text: str) -> Iterator[Row]:
    for number, value in pasted_rows(text):
        if number > work.read:
            yield Row(number, number, None, format_of(value) if value else None, value)


def _pasted_fields(work: Reading, text: str) -> frozenset[str]:
    drafts = []
    for _, value in pasted_rows(text):
        if value and (format_ := format_of(value)):
            try:
                drafts.append(_draft(work, format_, value, frozenset()))
            except Unusable:
                continue
    return fields_that_sort((one.item for one in drafts), (one.reference for one in drafts))


def _draft(work: Reading, format_: str, value: JsonObject, fields: frozenset[str]) -> Draft:
    field = work.source.get("field", "answer")
    return draft_of(format_, value, field=field, prompt=work.prompt, tag_fields=fields)


def _keep(work: Reading, rows: Sequence[Row], fields: frozenset[str]) -> Reading:
    """Add the cases of these rows, in a unit of work of its own. Raises LeaseLost."""
    drafts: list[tuple[Row, Draft]] = []
    skipped: Counter[str] = Counter()
    for row in rows:
        if row.value is None or row.format is None:
            skipped[TOO_LONG if work.version else UNREADABLE] += 1
            continue
        try:
            drafts.append((row, _draft(work, row.format, row.value, fields)))
        except Unusable as error:
            skipped[str(error)] += 1
    drafts = drafts[: MOST_CASES - work.cases]
    with unit_of_work() as session:
        held = _hold(session, work)
        ids = _insert(session, work, drafts)
        tags = [
            {"case_id": case_id, "field": name, "value": value, "evaluation_id": held.id}
            for case_id, (_, draft) in zip(ids, drafts, strict=True)
            for name, value in draft.tags
        ]
        if tags:
            session.execute(insert(CaseTag), tags)
        held.cases += len(drafts)
        held.tokens += sum(draft.tokens for _, draft in drafts)
        held.answer_tokens += sum(draft.answer_tokens for _, draft in drafts)
        read = rows[-1].n if rows else work.read
        held.source = {**held.source, "read": read, "skipped": _with(held.source, skipped)}
        announce(session, f"evaluation:{held.id}")
        return work._replace(read=read, cases=held.cases, source=held.source)


def _with(source: JsonObject, skipped: Counter[str]) -> dict[str, int]:
    counts = Counter(source.get("skipped", {})) + skipped
    return dict(counts.most_common(MOST_REASONS))


def _insert(session: Session, work: Reading, drafts: Sequence[tuple[Row, Draft]]) -> list[int]:
    if not drafts:
        return []
    made = insert(Case).returning(Case.id, sort_by_parameter_order=True)
    rows = [
        {
            "evaluation_id": work.evaluation_id,
            "number": work.cases + place,
            "line": row.line,
            "row_id": row.row_id,
            "messages": draft.messages,
            "tools": draft.tools,
            "item": draft.item,
            "reference": draft.reference,
            "tokens": draft.tokens,
        }
        for place, (row, draft) in enumerate(drafts, start=1)
    ]
    return list(session.scalars(made, rows))


def _hold(session: Session, work: Reading) -> Evaluation:
    return leases.keep(session, Evaluation, work.evaluation_id, work.fence, seconds=LEASE_SECONDS)


def _pass_on(work: Reading) -> None:
    with unit_of_work() as session:
        row = _hold(session, work)
        leases.settle(row, due_at=row.due_at)
        enqueue(session, "evaluations.read_cases", row.id)


def _end(session: Session, work: Reading) -> None:
    """The rows are read: what was pasted lives on in the cases alone."""
    row = _hold(session, work)
    row.source = {name: one for name, one in row.source.items() if name != "pasted"}
    words = None
    if row.cases:
        row.status = EvaluationStatus.READY
    else:
        row.status = EvaluationStatus.REFUSED
        reasons = row.source.get("skipped") or {"holds nothing": 1}
        words = NO_CASES.format(reason=next(iter(reasons)))
    leases.settle(row, due_at=None, error=words)
    announce(session, f"evaluation:{row.id}", f"project:{row.project_id}")


def put_off(session: Session, work: Reading, words: str, *, seconds: float) -> None:
    """The rows cannot be read just now: later, which costs no attempt."""
    row = leases.hold(session, Evaluation, work.evaluation_id, work.fence)
    if row is not None:
        leases.settle(row, due_at=clock.later(session, seconds), error=words)
