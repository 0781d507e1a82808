"""The metrics of `text_similarity`, by rapidfuzz and nltk: from (given, wanted) to 0 … 1.

OpenAI names the metrics and not their settings; ours are said at each.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from rapidfuzz import fuzz, utils
from rapidfuzz.distance import LCSseq

LONGEST, LONGEST_FUZZY = 20_000, 5_000
"""Characters: rapidfuzz's WRatio takes 0.7 s for two texts of 5,000 and 6 s for two of 10,000."""
LONGEST_NGRAM = 4
WORD_OR_SIGNS = re.compile(r"\w+|[^\w\s]+")
WORD = re.compile(r"[^\W_]+")


def longest(metric: str) -> int:
    """How many characters a text may have for this metric."""
    return LONGEST_FUZZY if metric == "fuzzy_match" else LONGEST


def fuzzy_match(given: str, wanted: str) -> float:
    """rapidfuzz's WRatio of the lower-cased texts without signs, as OpenAI's guide calls it."""
    return fuzz.WRatio(given, wanted, processor=utils.default_process) / 100


def bleu(given: str, wanted: str) -> float:
    """Sentence BLEU to 4-grams, or as many as the answer has words; smoothed as in NIST's script.

    Papineni et al. 2002; smoothing 3 of Chen and Cherry 2014; sacrebleu does the same.
    """
    from nltk.translate import bleu_score  # noqa: PLC0415 - see meteor

    words = WORD_OR_SIGNS.findall(given)
    if not words or not (wanted_words := WORD_OR_SIGNS.findall(wanted)):
        return 0.0
    smoothing = bleu_score.SmoothingFunction().method3
    order = min(len(words), LONGEST_NGRAM)
    weights = (1 / order,) * order
    return float(bleu_score.sentence_bleu([wanted_words], words, weights, smoothing))


def gleu(given: str, wanted: str) -> float:
    """Google's BLEU: the lower of n-gram precision and recall, n from 1 to 4 (Wu et al. 2016)."""
    from nltk.translate.gleu_score import sentence_gleu  # noqa: PLC0415 - see meteor

    words = WORD_OR_SIGNS.findall(given)
    return float(sentence_gleu([WORD_OR_SIGNS.findall(wanted)], words)) if words else 0.0


def meteor(given: str, wanted: str) -> float:
    """METEOR by equal words and equal stems (Banerjee and Lavie 2005).

    Its penalty for broken order makes an equal text of one word 0.5, and of four 0.99.

    Its third stage, synonyms, needs WordNet, which would have to be downloaded: left out.
    """
    # A quarter of a second and 40 MB that most graders never need.
    from nltk.translate.meteor_score import single_meteor_score  # noqa: PLC0415

    words = WORD_OR_SIGNS.findall(wanted), WORD_OR_SIGNS.findall(given)
    return float(single_meteor_score(*words, wordnet=_NoSynonyms())) if all(words) else 0.0


class _NoSynonyms:
    """Stands where nltk expects WordNet."""

    def synsets(self, _word: str) -> list[object]:
        return []


def rouge_n(n: int, given: str, wanted: str) -> float:
    """F1 of the n-grams two texts share (Lin 2004)."""
    ours, theirs = _ngrams(given, n), _ngrams(wanted, n)
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(given: str, wanted: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004)."""
    ours, theirs = _words(given), _words(wanted)
    return _f1(int(LCSseq.similarity(ours, theirs)), len(ours), len(theirs))


def _words(text: str) -> list[str]:
    """Letters and digits, lower-cased: the words of rouge-score, in every alphabet."""
    return WORD.findall(text.lower())


def _ngrams(text: str, n: int) -> Counter[tuple[str, ...]]:
    words = _words(text)
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _f1(shared: int, ours: int, theirs: int) -> float:
    return 2 * shared / (ours + theirs) if shared else 0.0


METRICS: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": fuzzy_match,
    "bleu": bleu,
    "gleu": gleu,
    "meteor": meteor,
    **{f"rouge_{n}": partial(rouge_n, n) for n in range(1, 6)},
    "rouge_l": rouge_l,
}
