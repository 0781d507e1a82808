"""How much the check of a dataset costs beside counting its tokens, which is the limit.

    python bench/check.py [--rows 100000] [--seed 1] [--file FILE] [--repeat 3]

The check is everything: reading, rules, tokens, row index, duplicates, verdict. "Alone" is the
tokenizer called on each message's text, the texts read and decoded beforehand. Both run in this
process, on one core, in turns: each slice of the check and then its rows alone, so that whatever
slows the machine for a while slows both. With --file of any size only the check is timed, with its
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

from app.core.tokens import counter
from app.datasets import checks
from bench import make_data

LIMIT = 1.3
SLICE_SECONDS = 0.3


def check(blob: Path, index: Path) -> Iterator[tuple[float, int]]:
    """Slice by slice: the seconds of processor time it took, and the byte it came to."""
    checks.discard(index)
    progress = checks.Progress()
    while not progress.is_done:
        begun = time.process_time()
        progress = checks.check_slice(blob, index, progress, seconds=SLICE_SECONDS)
        yield time.process_time() - begun, progress.offset


def alone(rows: bytes) -> float:
    """Seconds of processor time for counting every message's tokens."""
    texts = [
        message["content"]
        for row in msgspec.json.Decoder().decode_lines(rows)
        for message in row["messages"]
    ]
    count = counter()
    gc.collect()
    begun = time.process_time()
    for text in texts:
        count(text)
    return time.process_time() - begun


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(blob: Path, index: Path, repeat: int) -> float:
    """Print both, round by round; the ratio over all rounds."""
    limits, spents, size = 0.0, 0.0, blob.stat().st_size / 1e6
    for _ in range(repeat):
        seconds = spent = 0.0
        with blob.open("rb") as file:
            for slice_spent, offset in check(blob, index):
                spent += slice_spent
                seconds += alone(file.read(offset - file.tell()))
        verdict = checks.verdict(index)
        limits += seconds
        spents += spent
        print(
            f"tokenizer alone {seconds:6.2f} s ({size / seconds:5.1f} MB/s, "
            f"{verdict.tokens:,} tokens)   check {spent:6.2f} s ({size / spent:5.1f} MB/s, "
            f"{verdict.rows:,} rows)   ratio {spent / seconds:.2f}"
        )
    return spents / limits


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
        print(f"all rounds: ratio {ratio:.2f}, to be at most {LIMIT}")
        if ratio > LIMIT:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
