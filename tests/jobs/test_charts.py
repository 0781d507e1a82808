"""Numbers to points: spark-lines and tables."""

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.charts import SPARK_POINTS, aligned, spark, spark_path, thinned


def test_series_stand_side_by_side_over_all_their_steps():
    table = aligned({"a": ([1, 3], [0.1, 0.3]), "b": ([3, 5], [3.0, 5.0])}, ("a", "b", "c"))
    assert table == {
        "step": [1, 3, 5],
        "a": [0.1, 0.3, None],
        "b": [None, 3.0, 5.0],
        "c": [None, None, None],
    }


@given(st.lists(st.lists(st.floats(0, 10), max_size=50), max_size=12))
def test_a_spark_line_never_holds_more_than_sixty_points(pieces):
    kept, step = [], 0
    for piece in pieces:
        fresh = []
        for value in piece:
            step += 1
            fresh.append((step, value))
        kept = thinned(kept, fresh)
        assert len(kept) <= SPARK_POINTS
        steps = [point[0] for point in kept]
        assert steps == sorted(set(steps))
    if step:
        assert kept[0][0] == 1
        assert kept[-1][0] > step / 2 - 1


def test_a_path_stays_in_its_box():
    path = spark_path([3.0, 1.0, 2.0], low=1.0, high=3.0, share=0.5)
    assert path == "M0 20L250 300L500 160"
    assert spark_path([], low=0, high=1, share=1) == ""
    assert spark_path([1.0], low=1.0, high=1.0, share=1) == "M0 300"


def test_without_points_there_is_no_line():
    assert spark(None, step=None, total_steps=None) is None
    assert spark({"train": []}, step=1, total_steps=2) is None
