"""Splitting a version: exact shares, the same rows for the same seed, every byte kept."""

from collections import Counter

import pytest

from app.datasets.split import SplitCounts, split
from tests.datasets.making import Checked, check
from tests.formats.rows import question

LINES = [question(f"Question {number}, {'ü' * (number % 5)}?") for number in range(200)]


def parts(
    checked: Checked, share: float, seed: int
) -> tuple[SplitCounts, list[bytes], list[bytes]]:
    folder = checked.blob.parent
    training, validation = folder / "training.jsonl", folder / "validation.jsonl"
    counts = split(
        checked.blob,
        checked.path,
        share=share,
        seed=seed,
        training=training,
        validation=validation,
    )
    return counts, training.read_bytes().splitlines(), validation.read_bytes().splitlines()


def test_every_row_goes_to_one_side_byte_for_byte_and_in_order(tmp_path):
    checked = check(tmp_path, b"\r\n".join([*LINES[:50], b"", *LINES[50:]]))
    counts, training, validation = parts(checked, 0.1, seed=7)
    assert (counts.training_rows, counts.validation_rows) == (180, 20)
    assert counts.training_tokens + counts.validation_tokens == checked.verdict.tokens
    assert Counter(training + validation) == Counter(LINES)
    assert training == [line for line in LINES if line in set(training)]


def test_the_seed_decides_and_nothing_else(tmp_path):
    checked = check(tmp_path, LINES)
    _, _, first = parts(checked, 0.25, seed=1)
    assert parts(checked, 0.25, seed=1)[2] == first
    assert parts(checked, 0.25, seed=2)[2] != first
    moved = check(tmp_path, LINES[::-1], name="2", inherit=checked)
    assert set(parts(moved, 0.25, seed=1)[2]) == set(first)


@pytest.mark.parametrize(
    ("rows", "share", "held_out"),
    [(200, 0, 0), (200, 0.5, 100), (3, 0.01, 1), (2, 0.5, 1), (1, 0.5, 0)],
)
def test_shares_are_exact_and_leave_something_on_both_sides(tmp_path, rows, share, held_out):
    counts, training, validation = parts(check(tmp_path, LINES[:rows]), share, seed=0)
    assert (len(training), len(validation)) == (rows - held_out, held_out)
    assert (counts.training_rows, counts.validation_rows) == (rows - held_out, held_out)


@pytest.mark.parametrize("share", [-0.1, 0.51, float("nan")])
def test_a_share_that_is_none_is_refused(tmp_path, share):
    with pytest.raises(ValueError, match=r"from 0 to 0\.5"):
        parts(check(tmp_path, LINES[:5]), share, seed=0)
