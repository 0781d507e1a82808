"""Write chat rows of about 2 kB for measuring: every text unique, the same bytes for the same seed.

The sentences are those of real conversations (`examples/orca-dpo`), put together anew: prose with
its names, numbers, quotes, lists and foreign words costs a tokenizer twice as much as random words.

python bench/make_data.py FILE --rows 100000 [--seed 1] [--same-system]
python bench/make_data.py FILE --bytes 2000000000
"""

import argparse
import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

CONVERSATIONS = Path(__file__).resolve().parent.parent / "examples/orca-dpo/validation.jsonl"
SYSTEM = "You answer questions about parts, stock and delivery. Keep to the facts of the catalogue."
_BETWEEN_SENTENCES = re.compile(r"(?<=[.?!])(?=\s)")


def rows(seed: int, *, same_system: bool = False) -> Iterator[bytes]:
    """Rows without end: a system prompt, one to three turns, 2 kB on average, newline included."""
    draw = random.Random(seed)
    known = sentences()
    for number in itertools.count(1):
        system = SYSTEM if same_system else f"{SYSTEM} Case {number}: {prose(draw, known, 150)}"
        messages = [{"role": "system", "content": system}]
        turns = draw.choice((1, 2, 3))
        for _ in range(turns):
            asked, answered = prose(draw, known, 450 // turns), prose(draw, known, 1100 // turns)
            messages += [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answered},
            ]
        row = json.dumps({"messages": messages}, ensure_ascii=False)
        yield f"{row}\n".encode()


def sentences() -> list[str]:
    """What people and models said in real conversations, with the space before each sentence."""
    texts = []
    with CONVERSATIONS.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            said = row["input"]["messages"] + row["preferred_output"] + row["non_preferred_output"]
            texts += [message["content"] for message in said]
    return sorted({sentence for text in texts for sentence in _BETWEEN_SENTENCES.split(text)})


def prose(draw: random.Random, known: list[str], about: int) -> str:
    """So many characters, or a sentence more."""
    text = ""
    while len(text) < about:
        text += draw.choice(known)
    return text.strip()


def write(
    path: Path, *, seed: int, count: int | None, size: int | None, same_system: bool = False
) -> int:
    """Write `count` rows, or rows until the file has `size` bytes; how many there are."""
    written = number = 0
    with path.open("wb", buffering=2**20) as file:
        for row in rows(seed, same_system=same_system):
            if number == count or (size is not None and written >= size):
                return number
            written += file.write(row)
            number += 1
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--rows", type=int)
    amount.add_argument("--bytes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--same-system", action="store_true")
    asked = parser.parse_args()
    made = write(
        asked.file,
        seed=asked.seed,
        count=asked.rows,
        size=asked.bytes,
        same_system=asked.same_system,
    )
    size = asked.file.stat().st_size
    print(
        f"{asked.file}: {made:,} rows, {size / 1e6:,.1f} MB, {size // max(made, 1):,} bytes a row"
    )
