"""What one grader says of many answers: the mean, what passed, faults, and its own figures."""

import pytest

from app.graders.base import Answer
from app.graders.reading import InvalidGrader, read_grader
from tests.graders.making import compared, multi, ours, score_model, similarity, string_check


def graded(grader, pairs):
    return grader.summary(
        [grader.grade({"answer": wanted}, Answer(text)) for wanted, text in pairs]
    )


def test_labels_of_many_answers_have_scikit_learns_figures():
    # The example of scikit-learn's f1_score: macro 0.26…, accuracy 2 of 6.
    grader = compared("label", labels=["cat", "dog", "pig"])
    wanted, found = "cat dog pig cat dog pig", "cat pig dog cat cat dog"

    figures = graded(grader, zip(wanted.split(), found.split(), strict=True)).figures

    assert figures["macro_f1"] == pytest.approx(0.8 / 3)
    assert figures["accuracy"] == pytest.approx(2 / 6)
    assert figures["confusion"] == [
        ["cat", "cat", 2],
        ["dog", "cat", 1],
        ["dog", "pig", 1],
        ["pig", "dog", 2],
    ]


def test_an_answer_without_a_label_is_wrong_and_is_no_label():
    figures = graded(
        compared("label", labels=["a", "b"]), [("a", "a"), ("b", "b"), ("b", "who knows")]
    ).figures

    assert figures["confusion"] == [["a", "a", 1], ["b", None, 1], ["b", "b", 1]]
    assert figures["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("find", "text", "value"),
    [
        ("whole", "refund", 1),
        ("whole", " **Refund.**\n", 1),
        ("whole", "It is a refund.", 0),
        ("within", "It is a Refund.", 1),
        ("within", "refund or delivery", 0),
        ("within", "refunded", 0),
        ("within", "It is a lost card", 0),
        ("within", "", 0),
    ],
)
def test_a_label_is_the_text_or_the_only_one_within_it(find, text, value):
    labels = ["refund", "delivery", "card", "lost card"]

    grader = compared("label", labels=labels, find=find)

    assert grader.grade({"answer": "Refund"}, Answer(text)).value == value


def test_the_longer_label_is_found_where_one_holds_another():
    grader = compared("label", labels=["card", "lost card"], find="within")

    assert grader.grade({"answer": "lost card"}, Answer("a lost card, I think")).value == 1


@pytest.mark.parametrize("find", ["whole", "within"])
@pytest.mark.parametrize("label", ["C", "C++", "C#", "+1", "-1", "A-", "日本"])
def test_signs_of_a_label_are_its_own(label, find):
    grader = compared("label", labels=["C", "C++", "C#", "+1", "-1", "A-", "日本"], find=find)

    score = grader.grade({"answer": label}, Answer(f" **{label}**.\n"))

    assert (score.value, score.detail["found"]) == (1, label)


def test_without_labels_the_text_itself_is_one():
    assert compared("label").grade({"answer": "Refund"}, Answer("'refund'")).value == 1


def test_a_row_whose_label_is_unknown_is_told():
    score = compared("label", labels=["a"]).grade({"answer": "c"}, Answer("a"))

    assert score.fault is not None
    assert "none of the labels" in score.fault.reason


@pytest.mark.parametrize(
    "settings", [{"find": "within"}, {"labels": ["a", " A. "]}, {"labels": ["…"]}, {"labels": [""]}]
)
def test_labels_that_cannot_be_told_apart_are_refused(settings):
    with pytest.raises(InvalidGrader, match="labels"):
        compared("label", **settings)


def test_latencies_have_a_median_and_a_ninety_fifth():
    grader = ours("latency", most_seconds=10)

    summary = grader.summary([grader.grade({}, Answer("", seconds=n)) for n in range(1, 21)])

    assert summary.passed == 10
    assert summary.figures == {"median_seconds": 10.5, "p95_seconds": 19}


def test_a_price_is_met_to_the_millionth():
    grader = ours("price", most_dollars=0.0023)

    assert [grader.grade({}, Answer("", cost=n)).value for n in (2_300, 2_301)] == [1, 0]


def test_prices_add_up():
    grader = ours("price", most_dollars=0.002)

    summary = grader.summary([grader.grade({}, Answer("", cost=n)) for n in (1_000, 2_000, 3_000)])

    assert summary.passed == 2
    assert summary.figures == {"dollars": 0.006, "mean_dollars": 0.002}


@pytest.mark.parametrize(
    "grader",
    [ours("latency", most_seconds=1), ours("price", most_dollars=1)],
    ids=["time", "price"],
)
def test_what_nobody_measured_is_a_fault_and_no_zero_among_the_figures(grader):
    summary = grader.summary([grader.grade({}, Answer("x"))])

    assert (summary.mean, summary.passed, summary.faults) == (0, 0, {"other_error": 1})
    assert set(summary.figures.values()) <= {None, 0}


def test_faults_count_as_nothing_and_are_counted():
    grader = read_grader(string_check(input="{{ sample.output_json.a }}"))

    summary = graded(grader, [("x", '{"a": "x"}'), ("x", "x"), ("x", "{}")])

    assert (summary.count, summary.passed) == (3, 1)
    assert summary.mean == pytest.approx(1 / 3)
    assert summary.faults == {"sample_parse_error": 1, "invalid_variable_error": 1}


def test_a_measure_passes_from_its_threshold_and_without_one_at_the_top():
    strict, lenient = read_grader(similarity()), read_grader(similarity(pass_threshold=0.5))
    pairs = [("Paris", "Paris"), ("Paris", "Pari"), ("Paris", "Oslo")]

    assert (graded(strict, pairs).passed, graded(lenient, pairs).passed) == (1, 2)
    assert read_grader(score_model(range=[1, 7])).highest == 7


def test_a_multi_grader_sums_up_its_parts():
    summary = graded(read_grader(multi()), [("Paris", "Paris"), ("Paris", "paris")])

    assert summary.mean == 0.75
    assert {name: part.mean for name, part in summary.parts.items()} == {"same": 0.5, "near": 1}


def test_nothing_graded_has_no_mean():
    for grader in (compared("label"), ours("length", most=1), read_grader(multi())):
        summary = grader.summary([])

        assert (summary.count, summary.mean, summary.passed) == (0, None, 0)
