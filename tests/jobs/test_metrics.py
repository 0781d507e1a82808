"""Chunks of a series against the plain list they stand for."""

import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import metrics
from app.jobs.metrics import CHUNK, MOST_CHUNKS, THIN
from app.jobs.models import MetricChunk
from app.projects.models import Project
from tests import make
from tests.stage import one_database


@pytest.fixture
def job(team):
    with unit_of_work() as session:
        project = session.get_one(Project, team.project_id)
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        return make.make_running_job(session, project, connection, version).id


def points(count, *, first=1):
    return [(step, math.sin(step / 50) + 1 / step) for step in range(first, first + count)]


def keep(job, told, name="train_loss"):
    with unit_of_work() as session:
        metrics.append(session, job, {name: told})


def after(job, step=-1):
    with unit_of_work() as session:
        return metrics.read_after(session, job, step)


def overview(job):
    with unit_of_work() as session:
        return metrics.read_overview(session, job)


def chunks(job, name="train_loss"):
    with unit_of_work() as session:
        found = session.query(MetricChunk).filter_by(job_id=job, series=name)
        return found.order_by(MetricChunk.level, MetricChunk.first_step).all()


def test_points_come_back_as_they_were(job):
    told = points(100)
    keep(job, told)
    found = after(job)["train_loss"]
    assert list(zip(found.steps, found.values, strict=True)) == told


def test_told_twice_is_kept_once(job):
    keep(job, points(50))
    keep(job, points(30, first=40))
    keep(job, points(10))
    found = after(job)["train_loss"]
    assert found.steps == list(range(1, 70))


def test_a_chunk_holds_4096_points_and_the_tail_grows(job):
    keep(job, points(CHUNK - 1))
    assert [chunk.n for chunk in chunks(job) if chunk.level == 0] == [CHUNK - 1]
    keep(job, points(3, first=CHUNK))
    found = [chunk for chunk in chunks(job) if chunk.level == 0]
    assert [(chunk.first_step, chunk.last_step, chunk.n) for chunk in found] == [
        (1, CHUNK, CHUNK),
        (CHUNK + 1, CHUNK + 2, 2),
    ]
    assert len(found[0].points) == len(found[0].steps) == 8 * CHUNK


def test_a_level_keeps_the_extremes_of_sixteen_points_of_the_one_below(job):
    told = points(1000)
    keep(job, told[:333])
    keep(job, told[333:])
    expected = []
    for start in range(0, 1000 - THIN + 1, THIN):
        group = told[start : start + THIN]
        low = min(group, key=lambda point: point[1])
        high = max(group, key=lambda point: point[1])
        expected += sorted({low, high})
    (level,) = [chunk for chunk in chunks(job) if chunk.level == 1]
    steps = struct.unpack(f"<{level.n}q", level.steps)
    values = struct.unpack(f"<{level.n}d", level.points)
    assert list(zip(steps, values, strict=True)) == expected


def test_what_is_behind_a_step_is_asked_for_until_nothing_is_left(job):
    count = CHUNK * (MOST_CHUNKS + 2) + 5
    keep(job, points(count))
    keep(job, [(step, 0.5) for step in range(100, count, 1000)], "valid_loss")
    step, seen, reads = -1, [], 0
    while found := after(job, step).get("train_loss"):
        if not found.steps:
            break
        assert len(found.steps) <= CHUNK * MOST_CHUNKS
        seen += found.steps
        step, reads = found.steps[-1], reads + 1
    assert seen == list(range(1, count + 1))
    assert reads == 2


def test_an_overview_of_a_long_series_reads_eight_chunks_at_most(job, queries):
    count = CHUNK * (MOST_CHUNKS + 1)
    told = points(count)
    keep(job, told)
    keep(job, [(10, 3.0), (20, 2.0)], "full_valid_loss")
    with queries() as seen:
        found = overview(job)
    assert seen.count <= 2
    assert found["full_valid_loss"].steps == [10, 20]
    whole = found["train_loss"]
    assert len(whole.steps) <= CHUNK * MOST_CHUNKS
    values = [value for _, value in told]
    assert min(whole.values) == min(values)
    assert max(whole.values) == max(values)
    assert whole.steps == sorted(set(whole.steps))
    assert whole.steps[0] <= THIN
    assert whole.steps[-1] > count - THIN


lists = st.lists(
    st.lists(
        st.tuples(st.integers(0, 400), st.floats(-1e6, 1e6, allow_nan=False)),
        max_size=120,
    ),
    max_size=6,
)


@one_database
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=lists, step=st.integers(-1, 400))
def test_whatever_is_told_in_whatever_pieces_it_reads_like_the_plain_list(job, told, step):
    """The plain list: each telling sorted, later ones only add behind the last step known."""
    plain: list[tuple[int, float]] = []
    with unit_of_work() as session:
        session.query(MetricChunk).delete()
        for piece in told:
            metrics.append(session, job, {"train_loss": piece})
            last = plain[-1][0] if plain else -1
            plain += [point for point in sorted(dict(piece).items()) if point[0] > last]
        found = metrics.read_after(session, job, step)
        whole = metrics.read_overview(session, job)
    behind = [point for point in plain if point[0] > step]
    series = found.get("train_loss", metrics.Series([], []))
    assert list(zip(series.steps, series.values, strict=True)) == behind
    if plain:
        assert list(zip(*whole["train_loss"], strict=True)) == plain
