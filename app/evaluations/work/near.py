"""Which of many texts are nearest to another: by the words they share, the rare ones first."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Words = Sequence[str]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without what stands between them."""
    return tuple("".join(one if one.isalnum() else " " for one in text.casefold()).split())


class Near:
    """Cosine of TF-IDF (Manning, Raghavan, Schütze, Introduction to Information Retrieval, 6.3),
    with 1 + ln tf and the smoothed idf: of equal ones the first comes first.
    """

    def __init__(self, texts: Iterable[Words]) -> None:
        places: dict[str, array[int]] = {}
        counts: dict[str, array[float]] = {}
        self._count = 0
        for at, words in enumerate(texts):
            self._count = at + 1
            for word, times in Counter(words).items():
                places.setdefault(word, array("q")).append(at)
                counts.setdefault(word, array("d")).append(times)
        self._places = {word: np.array(found, np.intp) for word, found in places.items()}
        self._weights: dict[str, NDArray[np.float64]] = {}
        lengths = np.zeros(self._count)
        for word, found in counts.items():
            self._weights[word] = (1 + np.log(found)) * self._rarity(word)
            lengths[self._places[word]] += self._weights[word] ** 2
        self._lengths = np.sqrt(np.maximum(lengths, 1e-12))

    def _rarity(self, word: str) -> float:
        known = len(self._places[word]) if word in self._places else 0
        return float(np.log((1 + self._count) / (1 + known))) + 1

    def nearest(self, words: Words, wanted: int) -> list[tuple[int, float]]:
        """The places of those nearest to these words, the nearest first, each with its likeness: 0
        where they share no word, 1 where they are the same words as often.
        """
        scores, length = np.zeros(self._count), 0.0
        for word, times in Counter(words).items():
            weight = (1 + float(np.log(times))) * self._rarity(word)
            length += weight**2
            if word in self._places:
                scores[self._places[word]] += self._weights[word] * weight
        scores /= self._lengths * max(length, 1e-12) ** 0.5
        order = np.argsort(-scores, kind="stable")[:wanted]
        return [(at, float(scores[at])) for at in order.tolist()]
