"""Make the Banking77 example from its CSV files: one conversation a question, the intent as answer.

    python examples/make_banking77.py FOLDER

FOLDER holds `train.csv`, `test.csv` and `LICENSE` as they stand in `banking_data/` of
PolyAI-LDN/task-specific-datasets at commit 57ec275. Texts and labels stay as they are.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

SYSTEM = (
    "You are the intake desk of a bank. Name the customer's intent. Answer with the intent alone."
)
HERE = Path(__file__).resolve().parent / "banking77"
FILES = {"train.csv": "train.jsonl", "test.csv": "validation.jsonl"}


def main(folder: Path) -> None:
    """Write both files beside the licence, and say how many rows each has."""
    for source, target in FILES.items():
        with (folder / source).open(encoding="utf-8", newline="") as file:
            rows = [conversation(row["text"], row["category"]) for row in csv.DictReader(file)]
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        (HERE / target).write_text(lines, encoding="utf-8", newline="\n")
        print(f"{target}: {len(rows):,} rows")
    shutil.copyfile(folder / "LICENSE", HERE / "LICENSE")


def conversation(question: str, intent: str) -> dict[str, object]:
    """One training row."""
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": question},
            {"role": "assistant", "content": intent},
        ]
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
