"""Rows compiled once into flat files of numbers: memory stays flat, the upload may go."""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.formats import chat
from app.formats.base import Unreadable
from app.trainer.engines.base import InvalidData
from app.trainer.engines.practice.features import FeatureReader, spoken_text, word_count
from app.trainer.engines.practice.network import WINDOW, Batch
from app.trainer.engines.practice.vocabulary import END, PIECES, START, Vocabulary

ANSWER_TOKENS = 512
PART_TOKENS, PART_FEATURES = 4096, 1 << 16
EARLIER_SHARE = np.float32(0.3)
_PIECE_ENTRIES = 300_000
_FLUSH = 1 << 20
_SHORT_LINE, _KNOWN_ANSWERS = 200, 10_000


@dataclass(frozen=True)
class Example:
    """One answer to learn: its prompt's features (latest message, earlier ones) and its text."""

    latest: NDArray[np.uint16]
    earlier: NDArray[np.uint16]
    prompt_words: int
    answer: str


def examples(path: Path, param: str, seen: Counter[str]) -> Iterator[Example]:
    """Every trained assistant message of a file; `seen["rows"]` counts rows.

    Raises InvalidData naming the line.
    """
    reader = FeatureReader()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InvalidData(
            f"invalid_{param}", "The file was deleted before it could be read.", param
        ) from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            seen["rows"] += 1
            yield from _row_examples(_readable_row(line, number, param), reader)


def _readable_row(line: bytes, number: int, param: str) -> chat.ChatRow:
    try:
        row = chat.read(line)
        wrong = next(
            (finding for finding in chat.findings(row) if finding.severity == "error"), None
        )
    except Unreadable as error:
        row, wrong = None, error.finding
    if row is None or wrong is not None:
        reason = wrong.reason if wrong else "It cannot be read."
        message = (
            f"The job failed due to an invalid {param.replace('_', ' ')}. Line {number}: {reason}"
        )
        raise InvalidData(f"invalid_{param}", message, param)
    return row


def _row_examples(row: chat.ChatRow, reader: FeatureReader) -> Iterator[Example]:
    spoken = [
        (message.role, spoken_text(message.content, message.tool_calls)) for message in row.messages
    ]
    for place, message in enumerate(row.messages):
        if message.is_trained:
            latest, earlier = reader.read(spoken[:place])
            words = sum(word_count(text) for _, text in spoken[:place])
            yield Example(latest, earlier, words, spoken[place][1])


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

    def close(self) -> None:
        self._flush()
        self._file.close()


class PieceCounter:
    """Counts answer pieces; beyond a limit it meets no new ones, which bytes then spell."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, answer: str) -> None:
        """Count one answer's pieces."""
        for piece in PIECES.findall(answer[: ANSWER_TOKENS * 8]):
            if piece in self.counts or len(self.counts) < _PIECE_ENTRIES:
                self.counts[piece] += 1


def compile_rows(
    path: Path, param: str, folder: Path, name: str, *, pieces: PieceCounter | None
) -> Counter[str]:
    """Read a JSONL file once into `folder`: features, and answers as text.

    Returns counts of rows, examples, words.
    """
    seen: Counter[str] = Counter(rows=0, examples=0, prompt_words=0)
    features, spans = _Flat(folder / f"{name}.features", "H"), _Flat(folder / f"{name}.spans", "q")
    with (folder / f"{name}.answers").open("w", encoding="utf-8") as answers:
        for example in examples(path, param, seen):
            if pieces is not None:
                pieces.add(example.answer)
            features.extend(example.latest)
            features.extend(example.earlier)
            spans.extend((len(example.latest), len(example.earlier)))
            answers.write(json.dumps(example.answer[: ANSWER_TOKENS * 8]) + "\n")
            seen["examples"] += 1
            seen["prompt_words"] += example.prompt_words
    features.close()
    spans.close()
    return seen


def encode_answers(folder: Path, name: str, vocabulary: Vocabulary) -> Counter[str]:
    """Turn the answers kept as text into tokens, once the vocabulary is known.

    Returns the tokens and how many answers were cut. An answer over 512 tokens is cut and gets no
    END: half an answer must not teach to stop early.
    """
    found: Counter[str] = Counter(tokens=0, cut=0)
    tokens, lengths = _Flat(folder / f"{name}.tokens", "H"), _Flat(folder / f"{name}.lengths", "q")
    source = folder / f"{name}.answers"
    known: dict[str, list[int]] = {}
    with source.open(encoding="utf-8") as answers:
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
    tokens.close()
    lengths.close()
    source.unlink()
    return found


class Rows:
    """Compiled examples, read from their files as they are needed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._features = _mapped(folder / f"{name}.features", np.uint16)
        self._tokens = _mapped(folder / f"{name}.tokens", np.uint16)
        self._spans = np.fromfile(folder / f"{name}.spans", np.int64).reshape(-1, 2)
        self._lengths = np.fromfile(folder / f"{name}.lengths", np.int64)
        self._feature_ends = np.cumsum(self._spans.sum(axis=1))
        self._token_ends = np.cumsum(self._lengths)

    def __len__(self) -> int:
        return len(self._lengths)

    def tokens_in(self, chosen: NDArray[np.int64]) -> int:
        """How many answer tokens these examples have."""
        return int(self._lengths[chosen].sum())

    def parts(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """These examples, in order, in parts that take a few hundred megabytes at most."""
        tokens = features = start = 0
        sizes = zip(self._lengths[chosen], self._spans[chosen].sum(axis=1), strict=True)
        for place, (more_tokens, more_features) in enumerate(sizes):
            tokens, features = tokens + more_tokens, features + more_features
            if place > start and (tokens > PART_TOKENS or features > PART_FEATURES):
                yield chosen[start:place]
                start, tokens, features = place, more_tokens, more_features
        yield chosen[start:]

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """These examples laid end to end."""
        spans = self._spans[chosen]
        lengths = spans.sum(axis=1)
        ends = self._feature_ends[chosen]
        features = [
            self._features[e - n : e] for e, n in zip(ends.tolist(), lengths.tolist(), strict=True)
        ]
        counts = self._lengths[chosen]
        token_ends = self._token_ends[chosen]
        tokens = [
            self._tokens[e - n : e]
            for e, n in zip(token_ends.tolist(), counts.tolist(), strict=True)
        ]
        targets = np.concatenate(tokens).astype(np.intp)
        starts = np.cumsum(counts) - counts
        example_of = np.repeat(np.arange(len(chosen)), counts)
        place = np.arange(len(targets)) - starts[example_of]
        back = np.arange(1, WINDOW + 1)
        before = np.maximum(np.arange(len(targets))[:, None] - back, 0)
        return Batch(
            features=np.concatenate(features),
            scales=np.repeat(scales_of(spans).ravel(), spans.ravel()),
            feature_starts=np.cumsum(lengths) - lengths,
            feature_lengths=lengths,
            targets=targets,
            target_starts=starts,
            example_of=example_of,
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
