"""Near-duplicates in 100,000 rows of 30 words and more: how many planted copies are found, how many
of what is found was planted, and how long it takes.

    python -m bench.near [--rows 100000] [--words 30] [--seed 1]

The words of a row follow each other as they do in real conversations, so that unlike rows share
phrases, but no row is another's near copy by itself. One row in twenty gets a copy: in other case,
in other spacing, or with one word swapped.
The limit beside it is reading the rows alone, as every check of the second pass must.
"""

import argparse
import itertools
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

from app.datasets import checks
from app.datasets.checks.deep.duplicates import Duplicates
from app.datasets.checks.deep.passing import Checks
from app.datasets.checks.deep.rows import open_rows
from app.datasets.checks.deep.sketches import Sketching
from app.datasets.derived.base import Making
from app.datasets.derived.slices import derive_slice, derived_path
from app.datasets.index import connect_finished
from bench import make_data
from bench.check import peak_mb

SECONDS, SHARE, EVERY = 60.0, 0.95, 20
KINDS = ("case", "spacing", "one word")


def swapped(draw, words, known):
    """One word of it is another."""
    at = draw.randrange(len(words))
    other = draw.choice([word for word in draw.sample(known, 20) if word != words[at]])
    return [*words[:at], other, *words[at + 1 :]]


def copied(draw, text, kind, known):
    """The text once more, a little different."""
    words = text.split(" ")
    if kind == "case":
        return draw.choice((text.upper(), text.lower(), text.title()))
    if kind == "spacing":
        return "".join(f"{word}{draw.choice((' ', '  ', chr(10)))}" for word in words).strip()
    return " ".join(swapped(draw, words, known))


def chains():
    """Which words follow a word in real conversations, as often as they do."""
    following = defaultdict(list)
    for text in make_data.sentences():
        for word, after in itertools.pairwise(text.split()):
            following[word].append(after)
    return dict(following)


def prose(draw, following, known, length):
    """So many words, each of them one that may stand behind the last."""
    words = [draw.choice(known)]
    while len(words) < length:
        words.append(draw.choice(following.get(words[-1], known)))
    return " ".join(words)


def planted(seed, count, fewest):
    """Pairs of question and answer in any order, the number of each one's original, and of what
    kind its copy is.
    """
    draw, following = random.Random(seed), chains()
    known = sorted(following)
    rows = []
    for number in itertools.count():
        if len(rows) >= count:
            break
        asked = prose(draw, following, known, 10)
        answered = prose(draw, following, known, fewest - 10 + draw.randrange(60))
        rows.append((asked, answered, number, None))
        if number % EVERY == 0:
            kind = KINDS[number // EVERY % len(KINDS)]
            rows.append((asked, copied(draw, answered, kind, known), number, kind))
    draw.shuffle(rows)
    return rows[:count]


def main():
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rows = planted(asked.seed, asked.rows, asked.words)
    with tempfile.TemporaryDirectory() as name:
        blob, index = Path(name) / "rows.jsonl", Path(name) / "1.sqlite"
        with blob.open("w", encoding="utf-8") as file:
            for question, answer, *_ in rows:
                messages = [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": answer},
                ]
                file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
        progress = checks.Progress()
        while not progress.is_done:
            progress = checks.check_slice(blob, index, progress, seconds=60)
        alone = read_alone(blob, index)
        seconds, clusters = compared(blob, index)
        return told(rows, clusters, seconds, alone, blob.stat().st_size)


def read_alone(blob, index):
    """Seconds of processor time for reading every row and its texts."""
    begun = time.process_time()
    with open_rows(blob, index) as opened:
        for _ in opened.after(0):
            pass
    return time.process_time() - begun


def compared(blob, index):
    """Seconds for the near-duplicates by the clock and by the processor, and the clusters that came
    of them, as sets of places.
    """
    deriver = Checks((Sketching, Duplicates))
    begun, busy, making = time.perf_counter(), time.process_time(), Making()
    while not making.is_done:
        making = derive_slice(deriver, blob, index, making, seconds=5, alive=lambda: None)
    seconds = time.perf_counter() - begun, time.process_time() - busy
    with closing(connect_finished(derived_path(index, deriver))) as made:
        found = made.execute("SELECT cluster, n - 1 FROM cluster_rows ORDER BY cluster").fetchall()
    return seconds, [
        {n for _, n in rows} for _, rows in itertools.groupby(found, key=lambda row: row[0])
    ]


def told(rows, clusters, seconds, alone, size):
    """Print what was found; the exit status. Two rows in a cluster whose originals differ are a
    mistake, however much they share.
    """
    original = [row[2] for row in rows]
    families = Counter(original)
    cluster_of = {n: number for number, cluster in enumerate(clusters) for n in cluster}
    places = {}
    for n, number in enumerate(original):
        places.setdefault(number, []).append(n)
    missed = Counter()
    for number, kind in ((row[2], row[3]) for row in rows if row[3]):
        pair = places[number]
        if len(pair) == 2 and cluster_of.get(pair[0], -1) != cluster_of.get(pair[1], -2):
            missed[kind] += 1
    there = sum(count == 2 for count in families.values())
    pairs = [pair for cluster in clusters for pair in itertools.combinations(cluster, 2)]
    right = sum(original[one] == original[other] for one, other in pairs)
    recall, precision = 1 - sum(missed.values()) / there, right / max(len(pairs), 1)
    fewest = min(len(f"{row[0]} {row[1]}".split()) for row in rows)
    print(
        f"{len(rows):,} rows, {size / 1e6:.0f} MB, {fewest} words and more; {there:,} planted"
        f"\nrecall {recall:.4f}   precision {precision:.4f}   missed {dict(missed) or 'none'}"
        f"\n{seconds[0]:.1f} s, of them {seconds[1]:.1f} s of processor time, for reading alone"
        f" {alone:.1f} s; peak {peak_mb():.0f} MB"
        f"   (to be: both {SHARE} or more, under {SECONDS:.0f} s)"
    )
    return int(recall < SHARE or precision < SHARE or seconds[0] >= SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
