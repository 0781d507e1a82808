"""How much the check of a dataset costs beside counting its tokens, which is the limit.

    python bench/check.py [--rows 100000] [--seed 1] [--file FILE] [--repeat 3]

Both run alternately in this process, on one core. "Alone" is the tokenizer called on each message's
text, the texts read and decoded beforehand. The check is everything: reading, rules, tokens, row
index, duplicates, verdict. With --file of any size only the check is timed, with its peak memory.
"""

import argparse
import gc
import os
import resource
import tempfile
import time
from pathlib import Path

import msgspec

from app.core.tokens import counter
from app.datasets import checks
from bench import make_data

LIMIT = 1.3


def check(blob: Path, folder: Path) -> tuple[float, checks.Verdict]:
    """Seconds of processor time for a whole check in slices of 5 s, and what it came to."""
    index = folder / "1.sqlite"
    checks.discard(index)
    begun = time.process_time()
    progress = checks.Progress()
    while not progress.is_done:
        progress = checks.check_slice(blob, index, progress, seconds=5)
    return time.process_time() - begun, checks.verdict(index)


def alone(blob: Path) -> tuple[float, int]:
    """Seconds of processor time for counting every message's tokens, and their number."""
    texts = []
    with blob.open("rb") as file:
        for line in file:
            texts += [message["content"] for message in msgspec.json.decode(line)["messages"]]
    count = counter()
    gc.collect()
    begun = time.process_time()
    tokens = 0
    for text in texts:
        tokens += count(text)
    return time.process_time() - begun, tokens


def peak_mb() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(blob: Path, repeat: int, folder: Path) -> float:
    """Print both, round by round; the ratio of the best rounds, since noise only ever adds."""
    limits, spents = [], []
    for _ in range(repeat):
        seconds, tokens = alone(blob)
        spent, verdict = check(blob, folder)
        size = blob.stat().st_size / 1e6
        limits.append(seconds)
        spents.append(spent)
        print(
            f"tokenizer alone {seconds:6.2f} s ({size / seconds:5.1f} MB/s, {tokens:,} tokens)   "
            f"check {spent:6.2f} s ({size / spent:5.1f} MB/s, {verdict.rows:,} rows)   "
            f"ratio {spent / seconds:.2f}"
        )
    return min(spents) / min(limits)


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    counter()("warm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.file:
            before = peak_mb()
            spent, verdict = check(asked.file, folder)
            print(f"{verdict.rows:,} rows, {verdict.tokens:,} tokens, {spent:.1f} s")
            print(f"peak memory {peak_mb():.0f} MB ({before:.0f} MB before the check)")
            return
        blob = folder / "rows.jsonl"
        make_data.write(blob, seed=asked.seed, count=asked.rows, size=None)
        ratio = compare(blob, asked.repeat, folder)
        print(f"best rounds: ratio {ratio:.2f}, to be at most {LIMIT}")
        if ratio > LIMIT:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
