"""Answers sampled from the network, token by token; nothing is looked up."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from app.trainer.engines.base import Answer, Sampling, Token
from app.trainer.engines.practice.features import FeatureReader, readable, word_count
from app.trainer.engines.practice.network import WINDOW, Floats, Network
from app.trainer.engines.practice.rows import scales_of
from app.trainer.engines.practice.vocabulary import END, START, Vocabulary

_BABBLE = [
    "the",
    "of",
    "and",
    "to",
    "a",
    "in",
    "is",
    "it",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "have",
    "or",
    "by",
    "one",
    "had",
    "not",
    "but",
    "what",
    "all",
    "were",
    "when",
    "we",
    "there",
    "can",
    "an",
    "your",
    "which",
    "their",
    "said",
    "if",
    "do",
    "will",
    "each",
    "about",
    "how",
    "up",
    "out",
    "them",
    "then",
    "she",
    "many",
]


def untrained() -> Network:
    """The base model: fixed random weights over bytes and a few common words.

    It has learned nothing and babbles.
    """
    vocabulary = Vocabulary([f" {word}" for word in _BABBLE])
    network = Network(vocabulary, np.random.default_rng(0))
    network.output *= 4
    network.output_bias[:END] = -9
    network.output_bias[END] = -0.5
    return network


class PracticeSpeaker:
    """A network ready to answer."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._reader = FeatureReader()

    def answer(
        self, messages: Sequence[Mapping[str, Any]], sampling: Sampling
    ) -> tuple[Answer, Iterator[Token]]:
        """Sample one answer; a seed repeats it, temperature 0 takes the likeliest token."""
        spoken = [readable(message) for message in messages]
        answer = Answer(prompt_tokens=sum(word_count(text) for _, text in spoken))
        latest, earlier = self._reader.read(spoken)
        spans = np.array([[len(latest), len(earlier)]])
        scales = np.repeat(scales_of(spans).ravel(), spans.ravel())
        prompt = self._network.prompt(np.concatenate((latest, earlier)), scales, np.array([0]))
        return answer, self._tokens(prompt, sampling, answer)

    def _tokens(self, prompt: Floats, sampling: Sampling, answer: Answer) -> Iterator[Token]:
        rng = np.random.default_rng(sampling.seed)
        window = [START] * WINDOW
        shown = Shown(sampling.stop)
        said = np.zeros(len(self._network.vocabulary), np.float32)
        while answer.completion_tokens < sampling.max_tokens:
            scores = self._network.next_token(prompt, window)
            token = draw(penalised(scores, said, sampling), sampling, rng)
            if token == END:
                answer.finish_reason = "stop"
                break
            window = [token, *window[:-1]]
            said[token] += 1
            answer.completion_tokens += 1
            raw = self._network.vocabulary.raw(token)
            yield Token(
                shown.add(raw), raw, float(scores[token]), self._top(scores, sampling.top_logprobs)
            )
            if shown.is_stopped:
                answer.finish_reason = "stop"
                return
        answer.tail = shown.rest()

    def _top(self, scores: Floats, count: int) -> tuple[tuple[bytes, float], ...]:
        if not count:
            return ()
        best = np.argsort(-scores, kind="stable")[:count]
        return tuple((self._network.vocabulary.raw(int(n)), float(scores[n])) for n in best)


def penalised(scores: Floats, said: Floats, sampling: Sampling) -> Floats:
    """Scores (V,) less OpenAI's penalties for what was said so many times, (V,).

    https://platform.openai.com/docs/api-reference/chat/create#chat-create-frequency_penalty
    """
    if not sampling.frequency_penalty and not sampling.presence_penalty:
        return scores
    lost: Floats = said * sampling.frequency_penalty + (said > 0) * sampling.presence_penalty
    return scores - lost


def draw(scores: Floats, sampling: Sampling, rng: np.random.Generator) -> int:
    """One token from log-probabilities (V,), tempered.

    It comes from the smallest set that holds `top_p` of the mass.
    """
    if sampling.temperature <= 0:
        return int(scores.argmax())
    tempered = scores.astype(np.float64) / sampling.temperature
    shares = np.exp(tempered - tempered.max())
    shares /= shares.sum()
    if sampling.top_p < 1:
        order = np.argsort(-shares, kind="stable")
        reached = np.cumsum(shares[order])
        shares[order[1:][reached[:-1] >= sampling.top_p]] = 0
        shares /= shares.sum()
    return int(
        np.searchsorted(np.cumsum(shares), rng.random() * shares.sum(), side="right").clip(
            0, len(shares) - 1
        )
    )


class Shown:
    """Bytes to text as it may be shown: whole characters, nothing that might begin a stop."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [text for text in stop if text]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.is_stopped = False

    def add(self, raw: bytes) -> str:
        """What can be shown now that these bytes were drawn."""
        self._held += self._decoder.decode(raw)
        found = [at for at in (self._held.find(text) for text in self._stop) if at >= 0]
        if found:
            self.is_stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = max((_overlap(self._held, text) for text in self._stop), default=0)
        cut = len(self._held) - keep
        text, self._held = self._held[:cut], self._held[cut:]
        return text

    def rest(self) -> str:
        """What was held back when the answer ended by itself."""
        text, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return text


def _overlap(text: str, stop: str) -> int:
    return next(
        (n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0
    )
