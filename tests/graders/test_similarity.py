"""The metrics give what other libraries and the literature give."""

import pytest

from app.graders.base import Answer
from app.graders.similarity import METRICS, longest
from tests.graders.making import text_similarity

GUIDE = (
    (
        "It is a guide to action which ensures that the military always obeys the commands of "
        "the party"
    ),
    "It is a guide to action that ensures that the military will forever heed Party commands",
)
CAT = ("the cat sat on the mat", "the cat is on the mat")
FOX = (
    "The quick brown fox jumps over the lazy dog, and then it sleeps.",
    "A quick brown fox jumped over lazy dogs; then it slept.",
)
CARD = ("Your card has been sent.", "Your new card was sent to you today.")


# sacrebleu 2.6.0: BLEU(effective_order=True).sentence_score(…).score / 100
@pytest.mark.parametrize(
    ("texts", "value"),
    [(GUIDE, 0.411804), (CAT, 0.379918), (FOX, 0.138344), (CARD, 0.069622)],
)
def test_bleu_is_sacrebleus(texts, value):
    assert METRICS["bleu"](*texts) == pytest.approx(value, abs=1e-6)


# rouge-score 0.1.2: RougeScorer([…]).score(wanted, given)[…].fmeasure
@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (GUIDE, (0.705882, 0.5, 0.4, 0.285714, 0.153846, 0.647059)),
        (CAT, (0.833333, 0.6, 0.25, 0, 0, 0.833333)),
        (FOX, (0.583333, 0.272727, 0.1, 0, 0, 0.583333)),
        (CARD, (0.461538, 0, 0, 0, 0, 0.461538)),
    ],
)
def test_rouge_is_rouge_scores(texts, values):
    names = [*(f"rouge_{n}" for n in range(1, 6)), "rouge_l"]

    assert [METRICS[name](*texts) for name in names] == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "value"), [("police kill the gunman", 0.75), ("the gunman kill police", 0.5)]
)
def test_rouge_l_is_that_of_lins_paper(given, value):
    assert METRICS["rouge_l"](given, "police killed the gunman") == value


def test_gleu_counts_n_grams_as_in_googles_paper():
    # Six words share 5 + 3 + 1 of the 6 + 5 + 4 + 3 n-grams of either side.
    assert METRICS["gleu"](*CAT) == pytest.approx(9 / 18)


def test_meteor_is_that_of_the_paper_without_synonyms():
    # Five of six words in two chunks: Fmean 5/6, penalty 0.5 * (2/5)^3.
    assert METRICS["meteor"](*CAT) == pytest.approx(5 / 6 * (1 - 0.5 * (2 / 5) ** 3))
    # "running" and "runs" share a stem; "automobile" and "car" would need WordNet.
    assert METRICS["meteor"]("running", "runs") == 0.5
    assert METRICS["meteor"]("automobile", "car") == 0


def test_fuzzy_match_is_rapidfuzz_as_openais_guide_calls_it():
    # WRatio of rapidfuzz 3.14: the sorted words of one stand within the other's.
    assert METRICS["fuzzy_match"]("fuzzy wuzzy was a bear", "Fuzzy Wuzzy was a bear!") == 1
    assert METRICS["fuzzy_match"](*CAT) == pytest.approx(0.930233, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_lies_between_none_and_all(metric):
    for texts in (GUIDE, CAT, FOX, CARD, ("", "word"), ("word", ""), ("", ""), ("…", "日本")):
        assert 0 <= METRICS[metric](*texts) <= 1
    six = "one two three four five six"
    assert METRICS[metric](six, six) == pytest.approx(1, abs=0.003)
    assert METRICS[metric]("日本 の 首都 は 東京 です", "日本 の 首都 は 東京 です") > 0.99


@pytest.mark.parametrize("metric", METRICS)
def test_a_text_too_long_to_compare_is_told(metric):
    score = text_similarity(metric).grade({"answer": "x"}, Answer("x" * (longest(metric) + 1)))

    assert score.value == 0
    assert score.fault is not None
    assert "characters" in score.fault.reason


def test_cosine_is_read_and_refused():
    grader = text_similarity("cosine")

    assert "embeddings" in (grader.obstacle() or "")
    assert grader.grade({"answer": "x"}, Answer("x")).value == 0
