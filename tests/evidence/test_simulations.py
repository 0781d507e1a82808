"""What is promised holds when experiments are made up: false alarms, coverage, power."""

import numpy as np
import pytest

from app.evidence import bootstrap
from app.evidence.comparison import compare, non_inferiority
from app.evidence.power import power, power_of_mean
from app.evidence.proportions import paired_interval, wilson
from app.evidence.scores import mean

EXPERIMENTS = 2_000
DRAWN = 500
"""Of those that draw cases anew, which takes longer."""
NAMES = ("one", "the other")


def alarms(make, *, measure, experiments=EXPERIMENTS):
    """How often two of the same kind are told apart."""
    draw = np.random.default_rng(1)
    told_apart = 0
    for seed in range(experiments):
        first, second = make(draw)
        found = compare(first, second, names=NAMES, measure=measure, seed=seed, resamples=1_000)
        told_apart += found.kind in {"better", "worse"}
    return told_apart / experiments


def alike(answer):
    """Two contestants who find the same cases hard."""

    def make(draw):
        hardness = draw.beta(4, 1.5, size=300)
        return answer(draw, hardness), answer(draw, hardness)

    return make


def test_the_same_model_twice_is_told_apart_in_at_most_six_of_a_hundred_runs():
    assert alarms(alike(lambda draw, p: draw.random(300) < p), measure="passes") <= 0.06


@pytest.mark.full
def test_neither_is_it_with_marks_from_one_to_five():
    marks = alike(lambda draw, p: 1 + draw.binomial(4, p))
    assert alarms(marks, measure="number") <= 0.06


@pytest.mark.full
def test_neither_is_it_with_three_answers_a_case():
    """Answers of a case are alike: counted as cases of their own they would raise false alarms."""

    def make(draw):
        hardness = draw.beta(0.5, 0.5, size=(100, 1))
        own, others = (np.clip(hardness + draw.normal(0, 0.2, (100, 1)), 0, 1) for _ in range(2))
        return draw.random((100, 3)) < own, draw.random((100, 3)) < others

    assert alarms(make, measure="passes") <= 0.06


@pytest.mark.full
@pytest.mark.parametrize("cases", [12, 40, 200])
def test_neither_is_it_with_scores_of_any_shape(cases):
    def make(draw):
        return draw.beta(2, 1, cases), draw.beta(2, 1, cases)

    assert alarms(make, measure="share") <= 0.06


def coverage(intervals, truth):
    return np.mean([not interval.leaves_out(truth) for interval in intervals])


@pytest.mark.parametrize("rate", [0.5, 0.83, 0.95])
@pytest.mark.parametrize("cases", [200, 1_319])
def test_a_pass_rates_interval_holds_it_93_to_97_times_in_a_hundred(cases, rate):
    passed = np.random.default_rng(2).binomial(cases, rate, size=EXPERIMENTS)
    found = coverage((wilson(int(count), cases) for count in passed), rate)
    assert 0.93 <= found <= 0.97


@pytest.mark.parametrize(("more", "fewer"), [(0.1, 0.1), (0.2, 0.05), (0.05, 0.15), (0.5, 0.02)])
@pytest.mark.parametrize("cases", [200, 1_319])
def test_so_does_the_interval_of_a_difference_of_pass_rates(cases, more, fewer):
    chances = [more, fewer, 1 - more - fewer]
    counts = np.random.default_rng(3).multinomial(cases, chances, size=EXPERIMENTS)
    intervals = (paired_interval(int(one), int(other), cases) for one, other, _ in counts)
    assert 0.93 <= coverage(intervals, more - fewer) <= 0.97


def test_so_does_the_interval_of_a_difference_of_scores():
    draw = np.random.default_rng(4)
    intervals = [
        bootstrap.of_difference(
            (1 + draw.binomial(4, 0.8, 200)) - (1.0 + draw.binomial(4, 0.7, 200)),
            seed=seed,
            resamples=1_000,
        ).interval()
        for seed in range(DRAWN)
    ]
    assert 0.93 <= coverage(intervals, 0.4) <= 0.97


def test_so_does_the_interval_of_a_mean_of_scores_crowded_at_the_best():
    draw = np.random.default_rng(5)
    marks, chances = [0, 0.25, 0.5, 0.75, 1], [0.02, 0.03, 0.1, 0.25, 0.6]
    intervals = [
        mean(draw.choice(marks, 200, p=chances), measure="share", seed=seed, resamples=1_000)
        for seed in range(DRAWN)
    ]
    truth = float(np.dot(marks, chances))
    assert 0.93 <= coverage((found.interval for found in intervals), truth) <= 0.97


def experiments(cases, difference, discordance, seed):
    """Two contestants' passes, of which so many only one has, many times over."""
    chances = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    for counts in np.random.default_rng(seed).multinomial(cases, chances, size=EXPERIMENTS):
        case = np.repeat([1, 2, 3], counts)
        yield case != 2, case != 1


@pytest.mark.parametrize(
    ("cases", "difference", "discordance"),
    [(60, 0.2, 0.3), (200, 0.08, 0.2), (400, 0.05, 0.1), (700, 0.04, 0.2)],
)
def test_planned_power_is_that_of_the_verdicts(cases, difference, discordance):
    shown = sum(
        compare(*both, names=NAMES, measure="passes").kind == "better"
        for both in experiments(cases, difference, discordance, seed=6)
    )
    planned = power(cases, difference, discordance)
    assert planned == pytest.approx(shown / EXPERIMENTS, abs=0.03)


def test_planned_power_of_scores_is_that_of_the_verdicts():
    draw = np.random.default_rng(7)
    shown = 0
    for seed in range(DRAWN):
        hard = draw.binomial(4, 0.6, size=200)
        better = hard + draw.choice([-1, 0, 1], size=200, p=[0.2, 0.45, 0.35])
        found = compare(better, hard, names=NAMES, measure="number", seed=seed, resamples=1_000)
        shown += found.kind == "better"
    spread = np.sqrt(0.55 - 0.15**2)
    assert power_of_mean(200, 0.15, spread) == pytest.approx(shown / DRAWN, abs=0.05)


def test_a_model_just_too_bad_is_let_through_in_at_most_six_of_a_hundred_runs():
    """One side holds with 95 %: the true difference is the margin."""
    let_through = sum(
        non_inferiority(*both, names=NAMES, measure="passes", margin=0.03).kind == "non_inferior"
        for both in experiments(300, -0.03, 0.13, seed=8)
    )
    assert let_through / EXPERIMENTS <= 0.06
