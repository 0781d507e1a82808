"""How much the check of a dataset costs beside counting its tokens alone.

    python bench/check.py [--rows 100000] [--seed 1] [--file FILE] [--repeat 3]

The check is everything: reading, rules, tokens, row index, duplicates, verdict. "Alone" is a
tokenizer called on each message's text, the texts read and decoded beforehand: our own, which is
the limit, and bpe-openai, the fastest there was before it, which is the peer. All run in this
process, on one core, in turns: each slice of the check and then its rows alone, so that whatever
slows the machine for a while slows all. With --file of any size only the check is timed, with its
peak memory.
"""

import argparse
import gc
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from bpe_openai import _bindings

from app.core.tokens import O200K, Count, counter
from app.datasets import checks
from bench import make_data

LIMIT = 1.0
SLICE_SECONDS = 0.3


def check(blob: Path, index: Path) -> Iterator[tuple[float, int]]:
    """Slice by slice: the seconds of processor time it took, and the byte it came to."""
    checks.discard(index)
    progress = checks.Progress()
    while not progress.is_done:
        begun = time.process_time()
        progress = checks.check_slice(blob, index, progress, seconds=SLICE_SECONDS)
        yield time.process_time() - begun, progress.offset


def texts_of(rows: bytes) -> list[str]:
    """Every message's text."""
    found = msgspec.json.Decoder().decode_lines(rows)
    return [message["content"] for row in found for message in row["messages"]]


def alone(texts: list[str], count: Count) -> float:
    """Seconds of processor time for counting the tokens of these texts."""
    gc.collect()
    begun = time.process_time()
    for text in texts:
        count(text)
    return time.process_time() - begun


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(blob: Path, index: Path, repeat: int) -> float:
    """Print all, round by round; the check's time by the peer's over all rounds."""
    peers, spents, size = 0.0, 0.0, blob.stat().st_size / 1e6
    theirs = _bindings.tokenizer_for_encoding(O200K).count
    for _ in range(repeat):
        seconds = peer = spent = 0.0
        with blob.open("rb") as file:
            for slice_spent, offset in check(blob, index):
                spent += slice_spent
                texts = texts_of(file.read(offset - file.tell()))
                seconds += alone(texts, counter())
                peer += alone(texts, theirs)
        verdict = checks.verdict(index)
        peers += peer
        spents += spent
        print(
            f"tokenizer alone {seconds:6.2f} s ({size / seconds:5.1f} MB/s), bpe-openai alone "
            f"{peer:6.2f} s ({size / peer:5.1f} MB/s, {verdict.tokens:,} tokens), check "
            f"{spent:6.2f} s ({size / spent:5.1f} MB/s, {verdict.rows:,} rows), "
            f"{spent / peer:.2f} of the peer"
        )
    return spents / peers


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    counter()("warm")
    with tempfile.TemporaryDirectory() as name:
        blob, index = Path(name) / "rows.jsonl", Path(name) / "1.sqlite"
        if asked.file:
            before = peak_mb()
            seconds = sum(spent for spent, _ in check(asked.file, index))
            verdict = checks.verdict(index)
            print(f"{verdict.rows:,} rows, {verdict.tokens:,} tokens, {seconds:.1f} s")
            print(f"peak memory {peak_mb():.0f} MB ({before:.0f} MB before the check)")
            return
        make_data.write(blob, seed=asked.seed, count=asked.rows, size=None)
        ratio = compare(blob, index, asked.repeat)
        print(f"all rounds: {ratio:.2f} of bpe-openai alone, to be at most {LIMIT}")
        if ratio > LIMIT:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
