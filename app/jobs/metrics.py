"""A job's series in chunks: appended by step, thinned level by level, read in few pieces at any
zoom.
"""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.jobs.models import MetricChunk

CHUNK = 4096
THIN = 16
MOST_CHUNKS = 8
LEVELS = 5
MOST_SERIES = 64

Point = tuple[int, float]


class Series(NamedTuple):
    """Steps and values of one series, as many of each."""

    steps: list[int]
    values: list[float]


def append(
    session: Session,
    job_id: int,
    series: Mapping[str, Iterable[Point]],
    *,
    is_first: bool = False,
) -> None:
    """Add points to the series of a job. Steps that are there already are skipped: told twice is
    kept once; and so are series beyond as many as anybody draws. `is_first`: there is none yet.
    """
    tails = {} if is_first else _tails(session, job_id)
    known = {name for name, _ in tails}
    for name, points in series.items():
        if name not in known and len(known) >= MOST_SERIES:
            continue
        known.add(name)
        _append(session, job_id, tails, name, 0, sorted(dict(points).items()))


def _append(
    session: Session,
    job_id: int,
    tails: dict[tuple[str, int], MetricChunk],
    name: str,
    level: int,
    points: Sequence[Point],
) -> None:
    tail = tails.get((name, level))
    last = tail.last_step if tail else -1
    fresh = [point for point in points if point[0] > last]
    thinned: list[Point] = []
    while fresh:
        if tail is None or tail.n == CHUNK:
            first = fresh[0][0]
            tail = MetricChunk(
                job_id=job_id,
                series=name,
                level=level,
                first_step=first,
                last_step=first,
                n=0,
                steps=b"",
                points=b"",
            )
            session.add(tail)
            tails[(name, level)] = tail
        taken, fresh = fresh[: CHUNK - tail.n], fresh[CHUNK - tail.n :]
        thinned += _extend(tail, taken)
    if thinned and level < LEVELS:
        _append(session, job_id, tails, name, level + 1, thinned)


def _extend(chunk: MetricChunk, points: Sequence[Point]) -> list[Point]:
    """Put points behind those of the chunk; the extremes of every group of 16 this completes."""
    steps = unpacked("q", chunk.steps) + [step for step, _ in points]
    values = unpacked("d", chunk.points) + [value for _, value in points]
    thinned: list[Point] = []
    for start in range(chunk.n - chunk.n % THIN, len(steps) - THIN + 1, THIN):
        group = values[start : start + THIN]
        ends = sorted({group.index(min(group)), group.index(max(group))})
        thinned.extend((steps[start + at], group[at]) for at in ends)
    chunk.steps, chunk.points = packed("q", steps), packed("d", values)
    chunk.n, chunk.last_step = len(steps), points[-1][0]
    return thinned


def _tails(session: Session, job_id: int) -> dict[tuple[str, int], MetricChunk]:
    """The last chunk of every series and level of a job."""
    last = (
        select(MetricChunk.series, MetricChunk.level, func.max(MetricChunk.first_step))
        .where(MetricChunk.job_id == job_id)
        .group_by(MetricChunk.series, MetricChunk.level)
    )
    chunks = session.scalars(
        select(MetricChunk).where(
            MetricChunk.job_id == job_id,
            tuple_(MetricChunk.series, MetricChunk.level, MetricChunk.first_step).in_(last),
        )
    )
    return {(chunk.series, chunk.level): chunk for chunk in chunks}


def read_after(session: Session, job_id: int, after_step: int) -> dict[str, Series]:
    """Every point behind a step, up to where the densest series fills eight chunks: ask again from
    there for more.
    """
    behind = (
        MetricChunk.job_id == job_id,
        MetricChunk.level == 0,
        MetricChunk.last_step > after_step,
    )
    place = func.row_number().over(partition_by=MetricChunk.series, order_by=MetricChunk.first_step)
    numbered = select(MetricChunk.last_step, place.label("place")).where(*behind).subquery()
    until = session.scalar(
        select(func.min(numbered.c.last_step)).where(numbered.c.place == MOST_CHUNKS)
    )
    query = select(MetricChunk).where(*behind)
    if until is not None:
        query = query.where(MetricChunk.first_step <= until)
    chunks = session.scalars(query.order_by(MetricChunk.series, MetricChunk.first_step))
    return _joined(chunks, after_step, until)


def read_overview(session: Session, job_id: int) -> dict[str, Series]:
    """The whole of every series in at most eight chunks each, from the finest level that fits."""
    counts = session.execute(
        select(MetricChunk.series, MetricChunk.level, func.count(), func.max(MetricChunk.last_step))
        .where(MetricChunk.job_id == job_id)
        .group_by(MetricChunk.series, MetricChunk.level)
        .order_by(MetricChunk.series, MetricChunk.level)
    ).all()
    level_of: dict[str, int] = {}
    for name, level, count, _ in counts:
        if name not in level_of and count <= MOST_CHUNKS:
            level_of[name] = level
    chunks = session.scalars(
        select(MetricChunk)
        .where(
            MetricChunk.job_id == job_id,
            tuple_(MetricChunk.series, MetricChunk.level).in_(list(level_of.items())),
        )
        .order_by(MetricChunk.series, MetricChunk.first_step)
    )
    return _joined(chunks, -1, None)


def _joined(chunks: Iterable[MetricChunk], after_step: int, until: int | None) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for chunk in chunks:
        into = found.setdefault(chunk.series, Series([], []))
        steps, values = unpacked("q", chunk.steps), unpacked("d", chunk.points)
        start = bisect_right(steps, after_step)
        stop = len(steps) if until is None else bisect_right(steps, until)
        into.steps.extend(steps[start:stop])
        into.values.extend(values[start:stop])
    return found


def packed(code: str, numbers: Sequence[float]) -> bytes:
    """Numbers as a chunk stores them: `q` for int64 steps, `d` for float64 values."""
    kept = array(code, numbers)
    if sys.byteorder == "big":
        kept.byteswap()
    return kept.tobytes()


def unpacked(code: str, data: bytes) -> list[Any]:
    """What `packed` was given."""
    numbers: array[Any] = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
