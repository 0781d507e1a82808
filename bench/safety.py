"""How fast rows are looked at for secrets, personal data and poor answers, and what of it is found.

python -m bench.safety [--bytes 200000000] [--seed 1]

The limit beside the figures is RE2 going over the same bytes for a pattern that is nowhere.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from itertools import islice

import re2

from app.datasets.checks.deep.arguments import ToolArguments
from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.endings import CutAnswers, EmptyAnswers, Loops
from app.datasets.checks.deep.personal import PersonalData
from app.datasets.checks.deep.phrases import Openings, Refusals
from app.datasets.checks.deep.secrets import Secrets
from app.formats.base import Text
from bench.make_data import rows

CHECKS = (Secrets, PersonalData, Refusals, Openings, CutAnswers, Loops, EmptyAnswers, ToolArguments)
TOGETHER = 500
EVERY = 100
PLANTED = (
    lambda draw: "AKIA" + "".join(draw.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
    lambda draw: "ghp_" + "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=36)),
    lambda draw: f"{draw.choice('abc')}{draw.randrange(10**6)}@firma{draw.randrange(99)}.at",
    lambda draw: f"+43 660 {draw.randrange(1_000_000, 10_000_000)}",
    lambda draw: f"212-{draw.randrange(200, 999)}-{draw.randrange(1_000, 9_999)}",
)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--bytes", type=int, default=200_000_000)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    spent = dict.fromkeys(CHECKS, 0.0)
    found = {check: set() for check in CHECKS}
    checks = {check: check({}) for check in CHECKS}
    planted: set[int] = set()
    size = limit = 0.0
    for batch in batches(options.bytes, options.seed, planted):
        content = "\0".join(text.text for row in batch for text in row.texts).encode()
        size += len(content)
        limit += timed(lambda content=content: NOWHERE.search(content))[1]
        for check, made in checks.items():
            said, seconds = timed(lambda made=made, batch=batch: list(made.look(batch, None)))
            spent[check] += seconds
            found[check].update(line for line, _ in said)
    print(f"{size / 1e6:,.0f} MB of text")
    print(f"{'the limit: one search by RE2':32} {limit:6.2f} s")
    for check, seconds in spent.items():
        print(f"{check.name:32} {seconds:6.2f} s  {len(found[check]):8,} rows")
    print(f"{'all of them':32} {sum(spent.values()):6.2f} s")
    both = found[Secrets] | found[PersonalData]
    hits, others = len(planted & both), len(both - planted)
    print(f"planted in {len(planted):,} rows, found in {hits:,}; in {others:,} others")


NOWHERE = re2.compile(rb"[0-9][a-z][0-9][a-z][0-9]")  # begins everywhere, so nothing is skipped


def timed(call):
    begun = time.process_time()
    return call(), time.process_time() - begun


def batches(size: int, seed: int, planted: set[int]) -> Iterator[list[Said]]:
    """Unique rows; of every hundred, one has a secret or personal data in its last answer."""
    draw, n = random.Random(seed), 0
    lines = rows(seed)
    while size > 0:
        batch = []
        for line in islice(lines, TOGETHER):
            n, size = n + 1, size - len(line)
            messages = json.loads(line)["messages"]
            if n % EVERY == 0:
                planted.add(n)
                messages[-1]["content"] += f" Ask {draw.choice(PLANTED)(draw)}, please."
            texts = [
                Text(f"messages[{at}].content", one["role"], one["content"])
                for at, one in enumerate(messages)
            ]
            batch.append(Said(n, n, 0, b"", 0, {}, texts))
        yield batch


if __name__ == "__main__":
    main()
