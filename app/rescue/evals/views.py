"""What the pages of rescued evals show: the list, an eval, a run with its output items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.list_views import ListView
from app.core.views import ChartColumn, ColumnChart
from app.formats.drawn import Turn
from app.rescue.evals.bodies import Run, mapping, number, objects, read_object, read_run
from app.rescue.evals.items import PageOfItems
from app.rescue.evals.queries import Counted
from app.rescue.evals.words import (
    CriterionView,
    criterion_view,
    laid_out,
    moment_of,
    pairs,
    source_words,
    turns,
)
from app.rescue.models import RescuedObject

MOST_BARS = 40


@dataclass(frozen=True, slots=True)
class EvalRow:
    id: int
    name: str
    eval_id: str
    runs: int
    items: int
    connection: str
    outcome: str
    fetched_at: datetime | None


@dataclass(frozen=True, slots=True)
class IndexView:
    """The list of a project's rescued evals; its fragment is "rows"."""

    project_id: int
    evals: tuple[EvalRow, ...]
    list: ListView


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in its eval's table. `share` of its items passed, None where nobody counted. `items`
    are the output items that lie here, None where they do not.
    """

    id: int
    run_id: str
    name: str
    model: str
    status: str
    passed: int | None
    failed: int | None
    errored: int | None
    total: int | None
    share: float | None
    items: int | None
    tokens: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShowView:
    """An eval. `is_readable` False: its own JSON is not here. `chart` is the share that passed by
    run, the oldest first; None with less than two.
    """

    id: int
    project_id: int
    name: str
    eval_id: str
    connection: str
    is_readable: bool
    error: str | None
    created_at: datetime | None
    source: str
    schema: str
    metadata: tuple[tuple[str, str], ...]
    criteria: tuple[CriterionView, ...]
    runs: tuple[RunRow, ...]
    items: int
    chart: ColumnChart | None
    can_edit: bool


@dataclass(frozen=True, slots=True)
class CriterionCount:
    name: str
    passed: int | None
    failed: int | None


@dataclass(frozen=True, slots=True)
class ModelUsage:
    name: str
    requests: int | None
    prompt_tokens: int | None
    cached_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: what it asked of whom, what came of it, its output items; `eval_row_id` is None where
    its eval was not found.
    """

    id: int
    project_id: int
    run: RunRow
    eval_row_id: int | None
    eval_name: str
    connection: str
    error: str
    source: str
    prompt: tuple[Turn, ...]
    settings: tuple[tuple[str, str], ...]
    criteria: tuple[CriterionCount, ...]
    usage: tuple[ModelUsage, ...]
    page: PageOfItems | None
    why_no_items: str


def eval_row(one: RescuedObject, counted: Mapping[tuple[int, str | None], Counted]) -> EvalRow:
    """An eval in the list."""
    counts = counted.get((one.connection_id, one.object_id), Counted(0, 0))
    return EvalRow(
        id=one.id,
        name=one.name or one.object_id,
        eval_id=one.object_id,
        runs=counts.runs,
        items=counts.items,
        connection=one.connection.name,
        outcome=one.outcome,
        fetched_at=one.fetched_at,
    )


def run_row(row: RescuedObject, run: Run | None, items: RescuedObject | None) -> RunRow:
    """A run with its counts."""
    run = run or Run()
    counts = mapping(run.result_counts)
    passed, total = number(counts.get("passed")), number(counts.get("total"))
    tokens = [number(one.get("total_tokens")) or 0 for one in objects(run.per_model_usage)]
    model = run.model or (run.data_source.model if run.data_source else None)
    return RunRow(
        id=row.id,
        run_id=row.object_id,
        name=str(run.name or row.name or row.object_id),
        model=str(model or ""),
        status=str(run.status or "unknown"),
        passed=passed,
        failed=number(counts.get("failed")),
        errored=number(counts.get("errored")),
        total=total,
        share=passed / total if passed is not None and total else None,
        items=items.lines if items is not None and items.sha256 is not None else None,
        tokens=sum(tokens) if tokens else None,
        created_at=moment_of(run.created_at),
    )


def show(
    one: RescuedObject,
    runs: Sequence[tuple[RescuedObject, RescuedObject | None]],
    *,
    can_edit: bool,
) -> ShowView:
    """An eval's page, of its own JSON and that of its runs."""
    content = read_object(one.sha256) or {}
    rows = sorted(
        (run_row(row, read_run(row.sha256), items) for row, items in runs),
        key=lambda row: (row.created_at or datetime.min.replace(tzinfo=UTC), row.id),
        reverse=True,
    )
    config = mapping(content.get("data_source_config"))
    return ShowView(
        id=one.id,
        project_id=one.project_id,
        name=str(content.get("name") or one.name or one.object_id),
        eval_id=one.object_id,
        connection=one.connection.name,
        is_readable=bool(content),
        error=one.error,
        created_at=moment_of(content.get("created_at")),
        source=source_words(config.get("type")),
        schema=laid_out(config.get("schema")) if config.get("schema") else "",
        metadata=pairs(content.get("metadata")),
        criteria=tuple(map(criterion_view, objects(content.get("testing_criteria")))),
        runs=tuple(rows),
        items=sum(row.items or 0 for row in rows),
        chart=_pass_rates(rows),
        can_edit=can_edit,
    )


def _pass_rates(rows: Sequence[RunRow]) -> ColumnChart | None:
    counted = [row for row in rows if row.share is not None][:MOST_BARS]
    if len(counted) < 2:  # noqa: PLR2004 - one column compares nothing
        return None
    columns = tuple(
        ChartColumn(
            label=row.created_at.strftime("%-d %b %Y") if row.created_at else row.run_id,
            value=row.share or 0.0,
            words=f"{row.name}, {row.model or 'no model'}: {(row.share or 0) * 100:.1f} % of "
            f"{row.total:,} passed",
        )
        for row in reversed(counted)
    )
    return ColumnChart(columns, ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")))


def criterion_counts(run: Run) -> tuple[CriterionCount, ...]:
    """What each criterion said of a whole run."""
    return tuple(
        CriterionCount(
            str(one.get("testing_criteria") or "unnamed"),
            number(one.get("passed")),
            number(one.get("failed")),
        )
        for one in objects(run.per_testing_criteria_results)
    )


def model_usage(run: Run) -> tuple[ModelUsage, ...]:
    """What a run cost in tokens, by model."""
    return tuple(
        ModelUsage(
            str(one.get("model_name") or "unnamed"),
            number(one.get("invocation_count")),
            number(one.get("prompt_tokens")),
            number(one.get("cached_tokens")),
            number(one.get("completion_tokens")),
            number(one.get("total_tokens")),
        )
        for one in objects(run.per_model_usage)
    )


def settings_of(run: Run) -> tuple[tuple[str, str], ...]:
    """How the model was sampled."""
    return pairs(run.data_source.sampling_params if run.data_source else None)


def prompt_of(run: Run) -> tuple[Turn, ...]:
    """The messages a run asked with, their places not filled in."""
    messages = mapping(run.data_source.input_messages if run.data_source else None)
    if reference := messages.get("item_reference"):
        return (Turn("user", f"The messages in {{{{ {reference} }}}}"),)
    return turns(messages.get("template"))
