"""What the page about usage shows: which tuned models are alive, and who calls them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.catalog.belief import Dates, all_dates
from app.connections.models import Connection
from app.core.views import ChartColumn, ColumnChart
from app.rescue.evals.promptfoo import path_of
from app.rescue.models import Kind, Outcome, RescuedObject, RescuePart
from app.rescue.usage import queries
from app.rescue.usage.totals import DAYS, Counted, Usage, usage_of
from app.rescue.work.lines import base_of, is_tuned

MOST_CALLERS, MOST_OTHERS = 200, 50


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model. `state` is alive, stopped, gone, or empty for one that no list named; `stops` its
    day where one is known. Without usage the counts are None.
    """

    name: str
    state: str
    stops: date | None
    requests: int | None
    input_tokens: int | None
    output_tokens: int | None
    callers: int
    last: date | None


@dataclass(frozen=True, slots=True)
class CallerLine:
    model: str
    project: str
    key: str
    requests: int
    last: date | None


@dataclass(frozen=True, slots=True)
class OverView:
    """What is known over one connection. `as_of` None: no usage came home, and `words` say why."""

    connection_id: int
    connection: str
    as_of: datetime | None
    words: str
    lead: str
    models: tuple[ModelLine, ...]
    callers: tuple[CallerLine, ...]
    others: tuple[ModelLine, ...]
    chart: ColumnChart | None


@dataclass(frozen=True, slots=True)
class UsageView:
    project_id: int
    days: int
    over: tuple[OverView, ...]


def usage_view(session: Session, project_id: int, today: date) -> UsageView:
    """The page of a project, connection by connection."""
    found = queries.models_and_usage(session, project_id)
    parts = queries.newest_parts(session, project_id)
    dates = all_dates(session, parts.keys())
    over = tuple(
        _over(part, [one for one in found if one.connection_id == connection_id], dates, today)
        for connection_id, part in parts.items()
    )
    return UsageView(project_id, DAYS, over)


def _over(part: RescuePart, found: Sequence[RescuedObject], dates: Dates, today: date) -> OverView:
    listed = {one.object_id: one.outcome for one in found if one.kind == Kind.MODEL}
    here = [
        (path, one.fetched_at)
        for one in found
        if one.kind == Kind.USAGE and one.fetched_at and (path := path_of(one.sha256))
    ]
    as_of = max((fetched_at for _, fetched_at in here), default=None)
    usage = usage_of([path for path, _ in here], as_of) if as_of else None
    line = _lines(part.connection, listed, usage, dates, today)
    tuned = {name for name in usage.models if is_tuned(name)} if usage else set()
    models = sorted((line(name) for name in listed.keys() | tuned), key=_by_requests)
    others = sorted((line(name) for name in _called(usage) - tuned), key=_by_requests)
    return OverView(
        connection_id=part.connection_id,
        connection=part.connection.name,
        as_of=as_of,
        words=str(part.kinds.get(Kind.USAGE, {}).get("words") or ""),
        lead=_lead(models, has_usage=usage is not None),
        models=tuple(models),
        callers=_callers(usage),
        others=tuple(others[:MOST_OTHERS]),
        chart=_chart(usage),
    )


def _called(usage: Usage | None) -> set[str]:
    return set(usage.models) if usage else set()


def _lines(
    account: Connection,
    listed: Mapping[str, str],
    usage: Usage | None,
    dates: Dates,
    today: date,
) -> Callable[[str], ModelLine]:
    callers: dict[str, int] = {}
    for model, _ in usage.callers if usage else ():
        callers[model] = callers.get(model, 0) + 1

    def line(name: str) -> ModelLine:
        said = dates.of_tuned(account, name, base_of(name)) if is_tuned(name) else ()
        stops = said[0].day if said else None
        counted = (usage.models[name] if name in usage.models else Counted()) if usage else None
        return ModelLine(
            name=name,
            state=_state(listed.get(name), stops, today),
            stops=stops,
            requests=counted.requests if counted else None,
            input_tokens=counted.input_tokens if counted else None,
            output_tokens=counted.output_tokens if counted else None,
            callers=callers.get(name, 0),
            last=counted.last if counted else None,
        )

    return line


def _state(outcome: str | None, stops: date | None, today: date) -> str:
    if outcome == Outcome.GONE:
        return "gone"
    if stops is not None and stops <= today:
        return "stopped"
    return "alive" if outcome is not None else ""


def _by_requests(line: ModelLine) -> tuple[int, str]:
    return -(line.requests or 0), line.name


def _lead(models: Sequence[ModelLine], *, has_usage: bool) -> str:
    alive = [one for one in models if one.state == "alive"]
    if not models:
        return "No tuned model was found."
    told = f"{_many(len(alive), len(models))} alive"
    if not has_usage:
        return f"{told}. Who calls them is not known."
    called = sum(1 for one in models if one.requests)
    return f"{told}; {called:,} {'was' if called == 1 else 'were'} called in the last {DAYS} days."


def _many(alive: int, known: int) -> str:
    if known == 1:
        return "The one tuned model is" if alive else "The one tuned model is not"
    return f"{alive:,} of {known:,} tuned models {'is' if alive == 1 else 'are'}"


def _callers(usage: Usage | None) -> tuple[CallerLine, ...]:
    lines = [
        CallerLine(
            model, caller.project or "not named", caller.key or "not named", one.requests, one.last
        )
        for (model, caller), one in (usage.callers.items() if usage else ())
        if is_tuned(model) and one.requests
    ]
    lines.sort(key=lambda line: (-line.requests, line.model, line.project, line.key))
    return tuple(lines[:MOST_CALLERS])


def _chart(usage: Usage | None) -> ColumnChart | None:
    if usage is None or not usage.by_day:
        return None
    top = _round_up(max(usage.by_day.values()))
    if not top:
        return None
    days = [usage.first + timedelta(days=n) for n in range(DAYS)]
    columns = tuple(
        ChartColumn(f"{day.day} {day:%b %Y}", float(count), f"{count:,} requests")
        for day in days
        for count in (usage.by_day.get(day, 0),)
    )
    half = ((top / 2, f"{top // 2:,}"),) if top % 2 == 0 else ()
    return ColumnChart(columns, ((0.0, "0"), *half, (float(top), f"{top:,}")))


def _round_up(value: int) -> int:
    """A number with one digit that is not zero, 1, 2 or 5, at least as large."""
    step = 1
    while value > step:
        for factor in (1, 2, 5):
            if value <= factor * step:
                return factor * step
        step *= 10
    return step if value else 0
