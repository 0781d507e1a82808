"""Output items as `promptfoo import` reads them."""

import json
import math

from app.rescue.evals.rows import eval_items, row_of
from tests.rescue.history import RUN, an_item, lines


def is_taken(row):
    """What promptfoo's importer demands of a row (src/importers/openaiEvals/validation.ts)."""
    return (
        isinstance(row["run_id"], str)
        and isinstance(row["data_source_idx"], int)
        and row["data_source_idx"] >= 0
        and isinstance(row["item"], dict)
        and isinstance(row.get("sample", {}), dict)
        and all(
            isinstance(one, int | float) and math.isfinite(one) for one in row["grades"].values()
        )
        and isinstance(row.get("grader_samples", {}), dict)
        and all(isinstance(one, bool) for one in row["passes"].values())
    )


def test_a_row_is_what_the_importer_takes():
    row = row_of(an_item(2), 3)
    assert is_taken(row)
    assert row["run_id"] == RUN
    assert row["data_source_idx"] == 2
    assert row["item"] == an_item(2)["datasource_item"]
    assert row["grades"] == {"Exact intent-1c86": 0.0, "Friendly-22aa": 1.0}
    assert row["passes"] == {"Exact intent-1c86": False, "Friendly-22aa": True}
    assert list(row["grader_samples"]) == ["Friendly-22aa"]
    sample = row["sample"]
    assert sample["outputs"] == [{"role": "assistant", "content": "delivery"}]
    assert sample["token_usage"]["total_tokens"] == 310
    assert "error" not in sample, "an error without words is none; to promptfoo any error is one"
    assert row["openai"]["id"] == "outputitem_2"


def test_an_error_is_kept_and_odd_values_do_not_stop_the_import():
    item = an_item(1, datasource_item_id="x", datasource_item=[1])
    item["sample"]["error"] = {"code": "server_error", "message": "It broke."}
    item["results"] = [
        {"name": "a", "score": float("nan"), "passed": "yes"},
        {"name": "a", "score": 1, "passed": True},
        "no result",
    ]
    row = row_of(item, 8)
    assert is_taken(row)
    assert row["data_source_idx"] == 7
    assert row["sample"]["error"]["message"] == "It broke."
    assert row["grades"] == {"a (2)": 1}
    assert row["passes"] == {"a (2)": True}


def test_rows_of_several_runs_stand_in_one_file_and_what_is_no_json_is_passed_over(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(lines(an_item(0, "evalrun_1")) + b"{broken\n" + b"[]\n")
    second.write_bytes(lines(an_item(0), an_item(1)))
    rows = [json.loads(line) for line in eval_items([first, second])]
    assert [row["run_id"] for row in rows] == ["evalrun_1", RUN, RUN]
    assert all(map(is_taken, rows))
