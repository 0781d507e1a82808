"""Against printed tables, scipy, and what statsmodels 0.15.0 and krippendorff 0.9.0 answered.

Those two are no dependency: they would bring pandas for a dozen numbers, which stand here instead.
"""

import numpy as np
import pytest
from scipy import stats

from app.evidence import bootstrap
from app.evidence.agreement import cohen, krippendorff
from app.evidence.power import cases_needed, power, smallest_shown, unrelated_discordance
from app.evidence.proportions import paired_interval, sign_test, wilson
from app.evidence.several import adjusted


def ends(interval):
    return pytest.approx((interval.low, interval.high), abs=5e-5)


@pytest.mark.parametrize(
    ("successes", "cases", "printed"),
    [  # Newcombe, Stat. Med. 17, 1998, table I, method 3
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilsons_interval_is_the_printed_one(successes, cases, printed):
    assert printed == ends(wilson(successes, cases))


@pytest.mark.parametrize(("successes", "cases"), [(0, 7), (3, 7), (7, 7), (950, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilsons_interval_is_scipys(successes, cases, level):
    theirs = stats.binomtest(successes, cases).proportion_ci(level, method="wilson")
    ours = wilson(successes, cases, level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_bentur_and_others_airways_have_the_p_values_of_fagerland_lydersen_and_laake():
    airways = sign_test(1, 7)
    assert airways.exact == pytest.approx(0.0703125)
    assert airways.mid_p == pytest.approx(0.0390625)


@pytest.mark.parametrize(
    ("plus", "minus", "exact"),
    [(5, 15, 0.04138946533203125), (0, 6, 0.03125), (40, 60, 0.05688793364098089)],
)
def test_mcnemars_exact_p_is_statsmodels(plus, minus, exact):
    assert sign_test(plus, minus).exact == pytest.approx(exact)
    assert sign_test(minus, plus).exact == pytest.approx(exact)
    assert stats.binomtest(plus, plus + minus).pvalue == pytest.approx(exact)


def test_the_paired_interval_is_bonett_and_prices_by_hand():
    """(1 - 7) / 23, give or take 1.96 times the root of (10 / 23 - 0.2609²) / 23."""
    assert ends(paired_interval(1, 7, 21)) == (-0.5084, -0.0134)


def test_the_mean_of_many_skewed_scores_has_scipys_bca_interval():
    scores = np.random.default_rng(5).gamma(1.5, size=40)
    # Ours is expanded by Student's t; asked for that level, scipy answers with the same ends.
    reach = stats.t.ppf(0.975, 39) * np.sqrt(40 / 39)
    theirs = stats.bootstrap(
        (scores,),
        np.mean,
        confidence_level=2 * stats.norm.cdf(reach) - 1,
        n_resamples=50_000,
        method="BCa",
        rng=6,
    ).confidence_interval
    ours = bootstrap.of_mean(scores, seed=7, resamples=50_000).interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_difference_of_many_cases_has_students_interval_and_p():
    differences = np.random.default_rng(8).normal(0.15, 1, size=300)
    theirs = stats.ttest_1samp(differences, 0)
    ours = bootstrap.of_difference(differences, resamples=50_000)
    wanted = theirs.confidence_interval()
    assert (ours.interval().low, ours.interval().high) == pytest.approx(tuple(wanted), abs=0.01)
    assert ours.p() == pytest.approx(theirs.pvalue, rel=0.1)


def test_the_interval_from_counts_is_near_the_one_by_drawing():
    differences = np.repeat([1.0, -1.0, 0.0], [90, 50, 660])
    drawn, counted = bootstrap.of_difference(differences).interval(), paired_interval(90, 50, 800)
    assert (counted.low, counted.high) == pytest.approx((drawn.low, drawn.high), abs=0.002)


def test_few_values_and_many_are_drawn_with_the_same_spread(monkeypatch):
    scores = np.random.default_rng(9).choice([0, 1 / 3, 2 / 3, 1], size=200)
    quick = bootstrap.of_mean(scores).interval()
    monkeypatch.setattr(bootstrap, "FEW_VALUES", 0)
    slow = bootstrap.of_mean(scores).interval()
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high), abs=0.003)


def test_benjamini_and_hochberg_adjust_as_scipy_and_statsmodels_do():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.9]
    assert adjusted(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.03, 0.6, 0.9])
    assert adjusted(p_values) == pytest.approx(list(stats.false_discovery_control(p_values)))
    assert adjusted([0.04, None, 0.02]) == pytest.approx([0.04, None, 0.04])
    assert adjusted([]) == []


def table(*rows):
    """Two raters' labels, from the counts of their pairs."""
    pairs = [
        (one, other)
        for one, row in enumerate(rows)
        for other, count in enumerate(row)
        for _ in range(count)
    ]
    return zip(*pairs, strict=True)


@pytest.mark.parametrize(
    ("rows", "kappa", "low", "high"),
    [
        (([20, 5], [10, 15]), 0.4, 0.151092290476661, 0.6489077095233389),
        (
            ([53, 5, 2], [11, 14, 5], [1, 6, 3]),
            0.4285714285714285,
            0.27969485445574205,
            0.5774480026871149,
        ),
    ],
)
def test_cohens_kappa_and_its_interval_are_statsmodels(rows, kappa, low, high):
    found = cohen(*table(*rows))
    assert found.kappa == pytest.approx(kappa)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))


def test_krippendorffs_alpha_is_that_of_his_own_example():
    """Three coders, fifteen units: Krippendorff, 2011; nominal 0.691, interval 0.811."""
    no = None
    coders = [
        [no, no, no, no, no, 3, 4, 1, 2, 1, 1, 3, 3, no, 3],
        [1, no, 2, 1, 3, 3, 4, 3, no, no, no, no, no, no, no],
        [no, no, 2, 1, 3, 4, 4, no, 2, 1, 1, 3, 3, no, 4],
    ]
    units = list(zip(*coders, strict=True))
    assert krippendorff(units) == pytest.approx(0.691358024691358)
    assert krippendorff(units, "interval") == pytest.approx(0.8108448928121059)


def test_cases_needed_are_near_connors_formula():
    """Connor, Biometrics 43, 1987: (1.96 √ψ + 0.84 √(ψ - d²))² / d²; ours adds a case each way."""
    for difference, discordance in [(0.05, 0.2), (0.1, 0.3), (0.02, 0.1)]:
        root, rest = np.sqrt(discordance), np.sqrt(discordance - difference**2)
        connor = ((1.959964 * root + 0.841621 * rest) / difference) ** 2
        assert cases_needed(difference, discordance) == pytest.approx(connor, rel=0.04)


def test_power_and_its_inverses_agree():
    assert power(cases_needed(0.05, 0.2), 0.05, 0.2) == pytest.approx(0.8, abs=0.005)
    assert power(500, smallest_shown(500, 0.25), 0.25) == pytest.approx(0.8, abs=0.005)
    assert unrelated_discordance(0.8, 0.7) == pytest.approx(0.38)
