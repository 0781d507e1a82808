"""The tables of the page "How sure are we?" are what the code says today."""

import re

import pytest

from app.evidence.comparison import compare, non_inferiority
from app.evidence.power import smallest_shown, unrelated_discordance
from app.evidence.proportions import wilson
from app.evidence.words import sentence
from app.settings import ROOT

PAGE = (ROOT / "docs" / "evidence.md").read_text()
PARTS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))


def rows(part):
    """The cells of a part's table, less its head."""
    lines = [line for line in PARTS[part].splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def scores(both, first, second, neither):
    return (
        [1] * both + [1] * first + [0] * second + [0] * neither,
        [1] * both + [0] * first + [1] * second + [0] * neither,
    )


@pytest.mark.parametrize("row", rows("The verdict"))
def test_the_verdicts_are_those_of_their_counts(row):
    *counts, said = row
    found = compare(*scores(*map(int, counts)), names=("Tuned v3", "the base"), measure="passes")
    assert sentence(found) == said


@pytest.mark.parametrize("row", rows("No worse than before"))
def test_so_is_what_is_said_of_successors(row):
    *counts, margin, said = row
    found = non_inferiority(
        *scores(*map(int, counts)),
        names=("the successor", "the recording"),
        measure="passes",
        margin=int(margin) / 100,
    )
    assert sentence(found) == said


@pytest.mark.parametrize("row", rows("Before you pay"))
def test_the_smallest_differences_are_those_planned_with(row):
    cases = int(row[0].replace(",", ""))
    found = [smallest_shown(cases, discordance) for discordance in (0.1, 0.2, 0.3)]
    assert row[1:] == [f"{100 * size:.1f} points" for size in found]


def test_the_numbers_told_in_passing_are_true():
    assert "20 of 20 is\n  84 to 100 %" in PAGE
    assert wilson(20, 20).low == pytest.approx(0.84, abs=0.005)
    assert "would disagree in 38 %" in PAGE
    assert unrelated_discordance(0.7, 0.8) == pytest.approx(0.38)
