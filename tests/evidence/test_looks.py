"""A model that is looked at again and again: what is said of it, and how often that is wrong."""

import numpy as np
import pytest

from app.evidence.base import FALSE_ALARMS
from app.evidence.comparison import compare
from app.evidence.looks import drift, spent
from app.evidence.words import sentence

NAMES = ("gpt-4o", "gpt-4o, as in run 1")
SERIES, LOOKS = 400, 12


def look_at(anew, then, *, look=1, measure="passes", **more):
    # What matters is wide, so that nobody reckons how many cases more it would take.
    verdict = compare(anew, then, names=NAMES, measure=measure, matters=1.0, resamples=1_000)
    return drift(verdict, look=look, **more)


def passes(count, cases=200):
    return np.arange(cases) < count


def test_the_false_alarms_are_spent_over_the_looks_and_never_all():
    assert spent(0) == 0
    assert spent(12) == pytest.approx(FALSE_ALARMS / 2)
    added = [spent(look) - spent(look - 1) for look in range(1, 1_000)]
    assert [f"{100 * added[look - 1]:.2g} %" for look in (1, 12, 52)] == [
        "0.38 %",
        "0.11 %",
        "0.015 %",
    ]
    assert sum(added) == pytest.approx(spent(999))
    assert spent(10**9) < FALSE_ALARMS
    assert added == sorted(added, reverse=True)


def test_a_drop_that_is_one_in_a_hundred_by_chance_is_no_drift_among_looks():
    found = look_at(passes(150), passes(157))
    assert found.verdict.kind == "worse"
    assert found.verdict.p == pytest.approx(0.0078, abs=0.001)
    assert found.verdict.adjusted_p == pytest.approx(13 * found.verdict.p)
    assert not found.is_shown
    assert sentence(found).endswith(", but not shown among all the looks")


def test_a_large_drop_is_drift_at_any_look_and_its_sentence_is_the_verdicts():
    for look in (1, 12, 365):
        found = look_at(passes(100), passes(160), look=look)
        assert found.is_shown
        assert sentence(found).startswith(
            "gpt-4o answers 30.0 points fewer cases correctly than gpt-4o, as in run 1 (95 %"
        )


def test_scores_that_crash_are_drift_at_the_thousandth_look_too():
    """However many means are drawn, none reaches 0: what lies beyond the last is reckoned on."""
    draw = np.random.default_rng(1)
    then = draw.beta(8, 2, 200)
    found = look_at(then - draw.beta(4, 8, 200), then, look=1_000, measure="number")
    assert found.is_shown


def test_what_it_differs_from_itself_is_no_drift():
    then, anew = passes(160), passes(140)
    assert look_at(anew, then).is_shown
    found = look_at(anew, then, noise_floor=0.12)
    assert not found.is_shown
    assert "within what it differs from itself" in sentence(found)
    thrice = look_at(
        *(np.repeat(one[:, None], 3, axis=1) for one in (anew, then)), noise_floor=0.12
    )
    assert thrice.is_shown
    assert thrice.noise == pytest.approx(0.12 / np.sqrt(3))


def test_too_few_cases_are_no_drift():
    found = look_at(passes(0, 5), passes(5, 5))
    assert (found.is_shown, found.verdict.adjusted_p) == (False, None)


def alarms(answers, *, measure, series, looks=LOOKS):
    """How often a series of looks at a model that stays as it is says that it drifted."""
    draw = np.random.default_rng(1)
    return np.mean([_is_alarmed(answers, draw, measure, looks) for _ in range(series)])


def _is_alarmed(answers, draw, measure, looks):
    hardness = draw.beta(4, 1.5, size=200)
    then = answers(draw, hardness)
    return any(
        look_at(answers(draw, hardness), then, look=look, measure=measure).is_shown
        for look in range(1, looks + 1)
    )


def coin(draw, hardness):
    return draw.random(len(hardness)) < hardness


def test_a_model_that_does_not_drift_is_said_to_in_at_most_five_of_a_hundred_series():
    assert alarms(coin, measure="passes", series=SERIES) <= 0.05


@pytest.mark.full
def test_neither_is_it_when_it_is_looked_at_for_two_months_every_day():
    assert alarms(coin, measure="passes", series=SERIES, looks=60) <= 0.05


@pytest.mark.full
def test_neither_is_one_with_marks_from_one_to_five():
    def marks(draw, hardness):
        return 1 + draw.binomial(4, hardness)

    assert alarms(marks, measure="number", series=SERIES) <= 0.05


@pytest.mark.full
def test_neither_is_one_asked_three_times_each():
    def thrice(draw, hardness):
        return draw.random((len(hardness), 3)) < hardness[:, np.newaxis]

    assert alarms(thrice, measure="passes", series=SERIES) <= 0.05


def test_a_model_that_falls_by_fifteen_points_is_noticed_at_once_four_times_in_five():
    draw = np.random.default_rng(2)
    noticed = 0
    for _ in range(200):
        hardness = draw.beta(4, 1.5, size=300)
        then, anew = coin(draw, hardness), coin(draw, np.clip(hardness - 0.15, 0, 1))
        noticed += look_at(anew, then, look=6).is_shown
    assert noticed / 200 >= 0.8
