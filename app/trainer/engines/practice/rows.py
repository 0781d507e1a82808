"""Rows compiled once into flat files of numbers: memory stays flat, the upload may go."""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.trainer.engines.practice.network import WINDOW, Array, Batch, Floats
from app.trainer.engines.practice.reading import Read, examples
from app.trainer.engines.practice.vocabulary import END, PIECES, START, Vocabulary

ANSWER_TOKENS = 512
PART_TOKENS, PART_FEATURES = 4096, 1 << 16
EARLIER_SHARE = np.float32(0.3)
_PIECE_ENTRIES = 300_000
_FLUSH = 1 << 20
_SHORT_LINE, _KNOWN_ANSWERS = 200, 10_000

Indices = NDArray[np.int64]


class _Flat:
    """Numbers appended to a file, a buffer at a time."""

    def __init__(self, path: Path, typecode: str) -> None:
        self._file = path.open("wb")
        self._buffer = array(typecode)

    def extend(self, values: Sequence[int] | NDArray[Any]) -> None:
        if isinstance(values, np.ndarray):
            self._buffer.frombytes(values.tobytes())
        else:
            self._buffer.extend(values)
        if len(self._buffer) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        self._buffer.tofile(self._file)
        del self._buffer[:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()


class PieceCounter:
    """Counts pieces of text; beyond a limit it meets no new ones, which bytes then spell."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """Count one text's pieces."""
        for piece in PIECES.findall(text[: ANSWER_TOKENS * 8]):
            if piece in self.counts or len(self.counts) < _PIECE_ENTRIES:
                self.counts[piece] += 1


def compile_rows(
    path: Path, param: str, folder: Path, name: str, *, read: Read, pieces: PieceCounter | None
) -> Counter[str]:
    """Read a JSONL file once into `folder`: features, and answers and items as text.

    Returns counts of rows, examples, words.
    """
    seen: Counter[str] = Counter(rows=0, examples=0, prompt_words=0)
    with (
        _Flat(folder / f"{name}.features", "H") as features,
        _Flat(folder / f"{name}.spans", "q") as spans,
        (folder / f"{name}.answers").open("w", encoding="utf-8") as answers,
        (folder / f"{name}.items").open("w", encoding="utf-8") as items,
    ):
        for example in examples(path, param, read, seen):
            if pieces is not None:
                for text in example.texts:
                    pieces.add(text)
            features.extend(example.latest)
            features.extend(example.earlier)
            spans.extend((len(example.latest), len(example.earlier), example.prompt_words))
            for answer in example.answers:
                answers.write(json.dumps(answer[: ANSWER_TOKENS * 8]) + "\n")
            if example.item is not None:
                items.write(json.dumps(example.item) + "\n")
            seen["examples"] += 1
            seen["prompt_words"] += example.prompt_words
    return seen


def encode_answers(folder: Path, name: str, vocabulary: Vocabulary) -> Counter[str]:
    """Turn the answers kept as text into tokens, once the vocabulary is known.

    Returns the tokens and how many answers were cut. An answer over 512 tokens is cut and gets no
    END: half an answer must not teach to stop early.
    """
    found: Counter[str] = Counter(tokens=0, cut=0)
    source = folder / f"{name}.answers"
    known: dict[str, list[int]] = {}
    with (
        _Flat(folder / f"{name}.tokens", "H") as tokens,
        _Flat(folder / f"{name}.lengths", "q") as lengths,
        source.open(encoding="utf-8") as answers,
    ):
        for line in answers:
            ids = known.get(line)
            if ids is None:
                ids = [*vocabulary.encode(json.loads(line)), END]
                if len(line) < _SHORT_LINE and len(known) < _KNOWN_ANSWERS:
                    known[line] = ids
            if len(ids) > ANSWER_TOKENS:
                ids = ids[:ANSWER_TOKENS]
                found["cut"] += 1
            tokens.extend(ids)
            lengths.extend((len(ids),))
            found["tokens"] += len(ids)
    source.unlink()
    return found


class Rows:
    """Compiled examples, read from their files as they are needed.

    Each has as many answers as its method gives it: one, a pair, or none yet.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._features = _mapped(folder / f"{name}.features", np.uint16)
        self._tokens = _mapped(folder / f"{name}.tokens", np.uint16)
        spans = np.fromfile(folder / f"{name}.spans", np.int64).reshape(-1, 3)
        self._spans, self._words = spans[:, :2], spans[:, 2]
        self._lengths = np.fromfile(folder / f"{name}.lengths", np.int64).reshape(len(spans), -1)
        self._feature_ends = np.cumsum(self._spans.sum(axis=1))
        self._token_ends = np.cumsum(self._lengths).reshape(self._lengths.shape)
        self._items = folder / f"{name}.items"
        self._item_starts = _line_starts(self._items)

    def __len__(self) -> int:
        return len(self._spans)

    def tokens_in(self, chosen: Indices) -> int:
        """How many answer tokens these examples have."""
        return int(self._lengths[chosen].sum())

    def words_in(self, chosen: Indices) -> int:
        """How many words and signs their prompts have."""
        return int(self._words[chosen].sum())

    def items(self, chosen: Indices) -> list[dict[str, Any]]:
        """What a grader may know of these rows."""
        with self._items.open("rb") as file:
            found = []
            for start in self._item_starts[chosen].tolist():
                file.seek(start)
                found.append(json.loads(file.readline()))
        return found

    def parts(self, chosen: Indices) -> Iterator[Indices]:
        """These examples, in order, in parts that take a few hundred megabytes at most."""
        tokens = self._lengths[chosen].sum(axis=1)
        for start, end in self.cuts(chosen, tokens):
            yield chosen[start:end]

    def cuts(self, chosen: Indices, tokens: Indices) -> Iterator[tuple[int, int]]:
        """Where to cut them when their answers have so many tokens."""
        held = held_features = start = 0
        sizes = zip(tokens.tolist(), self._spans[chosen].sum(axis=1).tolist(), strict=True)
        for place, (more, more_features) in enumerate(sizes):
            held, held_features = held + more, held_features + more_features
            if place > start and (held > PART_TOKENS or held_features > PART_FEATURES):
                yield start, place
                start, held, held_features = place, more, more_features
        yield start, len(chosen)

    def prompts(self, chosen: Indices) -> tuple[Array, Floats, Array]:
        """Their prompts as `Network.prompt` takes them: features, scales, and where each starts."""
        spans = self._spans[chosen]
        lengths = spans.sum(axis=1)
        ends = zip(self._feature_ends[chosen].tolist(), lengths.tolist(), strict=True)
        features = np.concatenate([self._features[end - n : end] for end, n in ends])
        scales = np.repeat(scales_of(spans).ravel(), spans.ravel())
        return features, scales, np.cumsum(lengths) - lengths

    def batch(self, chosen: Indices) -> Batch:
        """These examples with their answers."""
        lengths = self._lengths[chosen]
        ends = zip(self._token_ends[chosen].ravel().tolist(), lengths.ravel().tolist(), strict=True)
        return self.batch_of(chosen, [self._tokens[end - n : end] for end, n in ends])

    def batch_of(self, chosen: Indices, answers: Sequence[Array]) -> Batch:
        """The prompts of these examples with other answers, equally many for each, laid end to end:
        all of the first example's, then all of the next one's.
        """
        features, scales, feature_starts = self.prompts(chosen)
        lengths = np.array([len(answer) for answer in answers])
        targets = np.concatenate(answers).astype(np.intp)
        starts = np.cumsum(lengths) - lengths
        answer_of = np.repeat(np.arange(len(answers)), lengths)
        each = len(answers) // len(chosen)
        place = np.arange(len(targets)) - starts[answer_of]
        back = np.arange(1, WINDOW + 1)
        before = np.maximum(np.arange(len(targets))[:, None] - back, 0)
        return Batch(
            features=features,
            scales=scales,
            feature_starts=feature_starts,
            feature_lengths=self._spans[chosen].sum(axis=1),
            targets=targets,
            target_starts=starts[::each],
            example_of=answer_of // each,
            answer_starts=starts,
            answer_lengths=lengths,
            windows=np.where(place[:, None] >= back, targets[before], START),
        )


def scales_of(spans: NDArray[np.int64]) -> NDArray[np.float32]:
    """How loud a feature is, (B, 2) for latest and earlier messages: length must not shout."""
    scales = (1 / np.sqrt(np.maximum(spans, 1))).astype(np.float32)
    scales[:, 1] *= EARLIER_SHARE
    return scales


def _mapped(path: Path, dtype: type[np.uint16]) -> NDArray[np.uint16]:
    if path.stat().st_size == 0:
        return np.zeros(0, dtype)
    # A plain view: indexing numpy.memmap itself makes a slow subclass instance per slice.
    return np.asarray(np.memmap(path, dtype, mode="r"))


def _line_starts(path: Path) -> Indices:
    with path.open("rb") as file:
        lengths = np.fromiter((len(line) for line in file), np.int64)
    return np.cumsum(lengths) - lengths
