"""Write chat rows of about 2 kB for measuring: every text unique, the same bytes for the same seed.

python bench/make_data.py FILE --rows 100000 [--seed 1] [--same-system]
python bench/make_data.py FILE --bytes 2000000000
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

BANKING77 = Path(__file__).resolve().parent.parent / "examples" / "banking77" / "train.jsonl"
SYSTEM = "You answer questions about parts, stock and delivery. Keep to the facts of the catalogue."


def rows(seed: int, *, same_system: bool = False) -> Iterator[bytes]:
    """Rows without end: a system prompt, one to three turns, 2 kB on average, newline included."""
    draw = random.Random(seed)
    words = vocabulary()
    for number in itertools.count(1):
        system = SYSTEM if same_system else f"{SYSTEM} Case {number}: {prose(draw, words, 25)}"
        messages = [{"role": "system", "content": system}]
        turns = draw.choice((1, 2, 3))
        for _ in range(turns):
            asked, answered = prose(draw, words, 100 // turns), prose(draw, words, 260 // turns)
            messages += [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answered},
            ]
        row = json.dumps({"messages": messages}, ensure_ascii=False)
        yield f"{row}\n".encode()


def vocabulary() -> list[str]:
    """The words of real customers' questions, each as often as it occurs there."""
    with BANKING77.open(encoding="utf-8") as file:
        questions = (json.loads(line)["messages"][1]["content"] for line in file)
        return [word for question in questions for word in question.split()]


def prose(draw: random.Random, words: list[str], about: int) -> str:
    """Sentences and paragraphs with numbers, quotes and line ends, so that escapes occur."""
    text = []
    for _ in range(max(about // 12, 1)):
        sentence = draw.choices(words, k=draw.randint(8, 16))
        if draw.random() < 0.3:
            sentence.insert(3, f"{draw.randint(1, 99_999):,}")
        if draw.random() < 0.2:
            sentence[4] = f'"{sentence[4]}"'
        text.append(" ".join(sentence).capitalize() + draw.choice((". ", ". ", "? ", ".\n\n")))
    return "".join(text).strip()


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
