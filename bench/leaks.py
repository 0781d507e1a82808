"""What it costs to hold a validation set against the rows trained on, and what is found of planted
leaks.

    python -m bench.leaks [--rows 100000] [--seed 1]

A tenth of the rows is the validation set: every second row of it is a copy of a training row, in
other case, in other spacing, or with one word swapped. Both sets went through their second pass
before the clock starts, as on the page, which compares while somebody waits.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from app.datasets import checks
from app.datasets.checks.deep.duplicates import Duplicates
from app.datasets.checks.deep.leaks import Files, leaks
from app.datasets.checks.deep.passing import Checks
from app.datasets.checks.deep.sketches import Sketching
from app.datasets.derived.base import Making
from app.datasets.derived.slices import derive_slice
from app.datasets.index import deep_path
from bench.check import peak_mb
from bench.near import KINDS, chains, copied, prose

SECONDS, SHARE, WORDS = 5.0, 0.95, 30


def made(draw, count):
    """The rows of both sets, as question and answer; how many of the second are copies."""
    following = chains()
    known = sorted(following)

    def row():
        length = WORDS - 10 + draw.randrange(60)
        return prose(draw, following, known, 10), prose(draw, following, known, length)

    training = [row() for _ in range(count - count // 10)]
    validation = []
    for number in range(count // 10):
        if number % 2:
            asked, answered = draw.choice(training)
            validation.append((asked, copied(draw, answered, KINDS[number // 2 % 3], known)))
        else:
            validation.append(row())
    return training, validation, count // 10 // 2


def files(folder, name, rows):
    """The set as its version keeps it."""
    blob, index = folder / name, folder / f"{name}.sqlite"
    with blob.open("w", encoding="utf-8") as file:
        for asked, answered in rows:
            messages = [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answered},
            ]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    progress, making = checks.Progress(), Making()
    while not progress.is_done:
        progress = checks.check_slice(blob, index, progress, seconds=60)
    deriver = Checks((Sketching, Duplicates))
    while not making.is_done:
        making = derive_slice(deriver, blob, index, making, seconds=60, alive=lambda: None)
    return Files(blob, index, deep_path(index))


def main():
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    training, validation, planted = made(random.Random(asked.seed), asked.rows)
    with tempfile.TemporaryDirectory() as name:
        theirs = files(Path(name), "1", training)
        mine = files(Path(name), "2", validation)
        before, begun, busy = peak_mb(), time.perf_counter(), time.process_time()
        found = leaks(mine, theirs)
        seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    print(
        f"{len(validation):,} rows against {len(training):,}; {planted:,} planted, "
        f"{found.total:,} found: {found.same:,} the same, {found.near:,} nearly, "
        f"{found.question:,} the same question"
        f"\n{seconds:.1f} s, of them {busy:.1f} s of processor time; peak {peak_mb():.0f} MB, "
        f"{before:.0f} before   (to be: {SHARE:.0%} found, under {SECONDS:.0f} s of processor time)"
    )
    return int(found.total < SHARE * planted or busy > SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
