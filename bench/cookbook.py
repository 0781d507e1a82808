"""Our check of chat rows beside the data-preparation notebook of the OpenAI cookbook, on one file.

    python -m bench.cookbook [--bytes 200000000] [--seed 1] [--toy FILE] [--repeat 1]

The notebook ("Data preparation and analysis for chat model fine-tuning") loads all rows, checks
their format, counts tokens and estimates the bill. Its steps are written anew below, with its
tokenizer (tiktoken) and its encoding; they are first shown to give its published figures on its own
toy file. Ours uses the same encoding and does more: safe reading, every rule, the row index, exact
duplicates, the report. Both run in this process, on one core; the seconds are processor time. The
files are made by bench/make_data.py: every text unique, then one system prompt for all rows.

"Everything" is the check and the second pass after it, whose checks are named: near-duplicates are
among them, and secrets and personal data where the program looks for them.
"""

import argparse
import gzip
import hashlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import tiktoken

from app.core.tokens import counter
from app.datasets import checks
from app.datasets.billable import billable_of
from app.datasets.checks.deep.registry import DEEP_CHECKS
from app.datasets.derived.base import Making
from app.datasets.derived.registry import DERIVERS
from app.datasets.derived.slices import derive_slice
from app.datasets.index import open_index
from bench import make_data

ENCODING = "cl100k_base"
CAP = 4096
CHECK_TIMES, EVERYTHING_TIMES = 4.0, 2.0
TOY = Path(__file__).resolve().parent.parent / "examples/cookbook-toy/train.jsonl"
# Where tiktoken looks for its vocabulary: the SHA-1 of the address it would fetch it from.
ADDRESS = f"https://openaipublic.blob.core.windows.net/encodings/{ENCODING}.tiktoken"


class Report(NamedTuple):
    """What the notebook prints: counts, then (min, max, mean, median, p10, p90) of each row's
    messages, tokens and answers' tokens.
    """

    rows: int
    errors: dict[str, int]
    without_system: int
    without_user: int
    messages: tuple[float, ...]
    tokens: tuple[float, ...]
    answers: tuple[float, ...]
    too_long: int
    billed: int
    epochs: int


# What the notebook printed for its toy file when it was published.
PUBLISHED = Report(
    rows=5,
    errors={},
    without_system=1,
    without_user=1,
    messages=(2, 9, 3.8, 3.0, 2.0, 6.6),
    tokens=(26, 8032, 1648.4, 45.0, 26.8, 4863.6),
    answers=(4, 8000, 1610.2, 10.0, 6.0, 4811.2),
    too_long=1,
    billed=4306,
    epochs=20,
)


def notebook(path: Path, encoding: tiktoken.Encoding) -> Report:
    """The notebook's steps, one after the other over all rows, as it takes them."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    errors = Counter(error for row in rows for error in errors_of(row))
    talks = [row["messages"] for row in rows]
    lengths = [row_tokens(talk, encoding) for talk in talks]
    return Report(
        rows=len(rows),
        errors=dict(errors),
        without_system=sum(lacks(talk, "system") for talk in talks),
        without_user=sum(lacks(talk, "user") for talk in talks),
        messages=spread([len(talk) for talk in talks]),
        tokens=spread(lengths),
        answers=spread([answer_tokens(talk, encoding) for talk in talks]),
        too_long=sum(length > CAP for length in lengths),
        billed=sum(min(CAP, length) for length in lengths),
        epochs=epochs(len(rows)),
    )


def errors_of(row: Any) -> Iterator[str]:
    """Its format checks, by its own names."""
    if not isinstance(row, dict):
        yield "data_type"
        return
    messages = row.get("messages")
    if not messages:
        yield "missing_messages_list"
        return
    for message in messages:
        if "role" not in message or "content" not in message:
            yield "message_missing_key"
        if not message.keys() <= {"role", "content", "name", "function_call", "weight"}:
            yield "message_unrecognized_key"
        if message.get("role") not in {"system", "user", "assistant", "function"}:
            yield "unrecognized_role"
        content, call = message.get("content"), message.get("function_call")
        if (not content and not call) or not isinstance(content, str):
            yield "missing_content"
    if lacks(messages, "assistant"):
        yield "example_missing_assistant_message"


def lacks(messages: list[dict[str, Any]], role: str) -> bool:
    """Whether nobody speaks in this role."""
    return all(message.get("role") != role for message in messages)


def row_tokens(messages: list[dict[str, Any]], encoding: tiktoken.Encoding) -> int:
    """A row's tokens by its rule."""
    tokens = 3
    for message in messages:
        tokens += 3
        for key, value in message.items():
            tokens += len(encoding.encode(value)) + (key == "name")
    return tokens


def answer_tokens(messages: list[dict[str, Any]], encoding: tiktoken.Encoding) -> int:
    """The tokens of a row's answers."""
    answers = (one["content"] for one in messages if one["role"] == "assistant")
    return sum(len(encoding.encode(answer)) for answer in answers)


def spread(values: list[int]) -> tuple[float, ...]:
    """Its distribution; what it calls p5 and p95 are the tenths."""
    tenths = np.quantile(values, 0.1), np.quantile(values, 0.9)
    found = (min(values), max(values), np.mean(values), np.median(values), *tenths)
    return tuple(round(float(value), 6) for value in found)


def epochs(rows: int) -> int:
    """Its default: three, more for few rows, fewer for many."""
    if rows * 3 < 100:
        return min(25, 100 // rows)
    return max(1, 25_000 // rows) if rows * 3 > 25_000 else 3


@contextmanager
def its_tokenizer() -> Iterator[tiktoken.Encoding]:
    """tiktoken with the vocabulary that is on this machine, which it proves by hash."""
    spec = find_spec("bpe_openai")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("bpe_openai")
    vocabulary = Path(spec.submodule_search_locations[0]) / "data" / f"{ENCODING}.tiktoken.gz"
    with tempfile.TemporaryDirectory() as folder:
        name = hashlib.sha1(ADDRESS.encode(), usedforsecurity=False).hexdigest()
        (Path(folder) / name).write_bytes(gzip.decompress(vocabulary.read_bytes()))
        os.environ["TIKTOKEN_CACHE_DIR"] = folder
        yield tiktoken.get_encoding(ENCODING)


def check(blob: Path, index: Path) -> None:
    """Our check, to its end."""
    checks.discard(index)
    progress = checks.Progress()
    while not progress.is_done:
        progress = checks.check_slice(blob, index, progress, seconds=1.0, encoding=ENCODING)


def second_pass(blob: Path, index: Path) -> None:
    """The deeper checks of the finished index, to their end."""
    deriver, making = DERIVERS["checks"], Making()
    while not making.is_done:
        making = derive_slice(deriver, blob, index, making, seconds=1.0, alive=lambda: None)


def alone(texts: list[str]) -> Callable[[], None]:
    """The tokenizer over texts that lie ready, which nothing that counts tokens can beat."""
    count = counter(ENCODING)

    def run() -> None:
        for text in texts:
            count(text)

    return run


def seconds(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def compare(blob: Path, index: Path, encoding: tiktoken.Encoding, title: str) -> bool:
    """Print one file's figures; whether the claim holds."""
    size = blob.stat().st_size / 1e6
    rows = msgspec.json.Decoder().decode_lines(blob.read_bytes())
    texts = [message["content"] for row in rows for message in row["messages"]]
    del rows
    limit = seconds(alone(texts))
    del texts
    ours = seconds(lambda: check(blob, index))
    everything = ours + seconds(lambda: second_pass(blob, index))
    found: list[Report] = []
    theirs = seconds(lambda: found.append(notebook(blob, encoding)))
    with open_index(index) as opened:
        ours_billed = billable_of(opened, encoding=ENCODING, cap=CAP).tokens
    agrees = "the same tokens" if ours_billed == found[0].billed else "OTHER TOKENS"
    print(f"{title}: {size:,.0f} MB, {found[0].rows:,} rows, {ours_billed:,} tokens, {agrees}")
    print(f"  tokenizer alone {limit:7.1f} s {size / limit:6.1f} MB/s")
    print(f"  our check       {ours:7.1f} s {size / ours:6.1f} MB/s")
    print(f"  everything      {everything:7.1f} s {size / everything:6.1f} MB/s")
    print(f"  the notebook    {theirs:7.1f} s {size / theirs:6.1f} MB/s")
    print(f"  check {theirs / ours:.1f} times the notebook, to be {CHECK_TIMES:.0f} at least")
    print(f"  everything {theirs / everything:.1f} times, to be {EVERYTHING_TIMES:.0f} at least")
    is_fast = theirs / ours >= CHECK_TIMES and theirs / everything >= EVERYTHING_TIMES
    return is_fast and ours_billed == found[0].billed


def main() -> int:
    """Measure as asked; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=200_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--toy", type=Path, default=TOY)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    counter(ENCODING)("warm")
    print(f"the second pass: {', '.join(check.name for check in DEEP_CHECKS)}")
    with its_tokenizer() as encoding, tempfile.TemporaryDirectory() as name:
        toy = notebook(asked.toy, encoding)
        print(f"the notebook's figures on its toy file: {'yes' if toy == PUBLISHED else toy}")
        holds = toy == PUBLISHED
        blob = Path(name) / "rows.jsonl"
        for title, same_system in (("unique text", False), ("one system prompt", True)):
            index = Path(name) / f"{same_system}.sqlite"
            make_data.write(
                blob, seed=asked.seed, count=None, size=asked.bytes, same_system=same_system
            )
            holds &= compare(blob, index, encoding, title)
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
