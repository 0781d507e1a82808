"""The uploads of a task made into numbers in its work folder, once."""

import json
from collections import Counter
from dataclasses import dataclass

import numpy as np

from app.trainer.engines.base import InvalidData, Task
from app.trainer.engines.practice.network import Floats, Network
from app.trainer.engines.practice.reading import READERS
from app.trainer.engines.practice.rows import PieceCounter, compile_rows, encode_answers
from app.trainer.engines.practice.vocabulary import END, Vocabulary

MINIMUM_ROWS = 10
BABBLE_TOKENS = 32
UNSEEN = 0.01
_COMPILED = "compiled.json"


@dataclass(frozen=True)
class Compiled:
    """What was found: `counts` by "train" and "valid", and the pieces of the vocabulary.

    `shares` are the log-probabilities with which a model that has seen no answer begins.
    """

    pieces: list[str]
    counts: dict[str, dict[str, int]]
    shares: list[float] | None


def start_of(task: Task) -> Network | None:
    """The network to start from, if any. Raises InvalidData when it was deleted."""
    if task.start_from is None:
        return None
    try:
        return Network.load(task.start_from)
    except FileNotFoundError:
        message = "The model to start from was deleted."
        raise InvalidData("invalid_model", message, "model") from None


def compiled(task: Task) -> Compiled:
    """Read the files into `task.work`, unless that is done already. Raises InvalidData."""
    path = task.work / _COMPILED
    if not path.exists():
        found = _compile(task)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(vars(found)))
        part.replace(path)
    return Compiled(**json.loads(path.read_text()))


def _compile(task: Task) -> Compiled:
    pieces, read = PieceCounter(), READERS[task.method]
    train = compile_rows(
        task.training_file, "training_file", task.work, "train", read=read, pieces=pieces
    )
    if train["rows"] < MINIMUM_ROWS:
        has = f"Training file has {train['rows']} example(s)"
        message = f"{has}, but must have at least {MINIMUM_ROWS} examples"
        raise InvalidData("invalid_n_examples", message, "training_file")
    if not train["examples"]:
        raise InvalidData(
            "invalid_training_file",
            "No assistant message has a weight to train on.",
            "training_file",
        )
    start = start_of(task)
    vocabulary = _vocabulary(task, start, pieces)
    counts = {"train": {**train, **encode_answers(task.work, "train", vocabulary)}}
    if task.validation_file is not None:
        valid = compile_rows(
            task.validation_file, "validation_file", task.work, "valid", read=read, pieces=None
        )
        if not valid["examples"]:
            message = "Validation file has no assistant message to measure on."
            raise InvalidData("invalid_validation_file", message, "validation_file")
        counts["valid"] = {**valid, **encode_answers(task.work, "valid", vocabulary)}
    is_new = task.method == "reinforcement" and start is None
    shares = _shares(vocabulary, pieces.counts) if is_new else None
    return Compiled(vocabulary.pieces, counts, shares)


def _vocabulary(task: Task, start: Network | None, pieces: PieceCounter) -> Vocabulary:
    """Reinforcement goes on with what the model can say: it could not find a new piece anyway."""
    if start is None:
        return Vocabulary([]).grown(pieces.counts.items())
    if task.method == "reinforcement":
        return start.vocabulary
    return start.vocabulary.grown(pieces.counts.items())


def _shares(vocabulary: Vocabulary, pieces: Counter[str]) -> list[float]:
    """How often each token occurs in the prompts, as the bias of a model that knows nothing else.

    Reinforcement rewards what a model says by itself: one that draws from every byte there is would
    never say anything a grader likes.
    """
    counts: Floats = np.full(len(vocabulary), UNSEEN, np.float32)
    for piece, count in pieces.items():
        for token in vocabulary.encode_piece(piece):
            counts[token] += count
    counts[END] = counts.sum() / BABBLE_TOKENS
    shares: list[float] = np.log(counts / counts.sum()).tolist()
    return shares
