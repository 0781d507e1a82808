"""The result table of a run, with OpenAI's header."""

import csv
from collections.abc import Iterator

from app.trainer.folder import RunFolder
from app.trainer.journal import Record, oldest_first

# OpenAI's header, then two columns Azure has; `train_accuracy` is the token accuracy.
LOSSES = {
    "step": "step",
    "train_loss": "train_loss",
    "train_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_mean_token_accuracy": "full_valid_mean_token_accuracy",
}


def write_result(folder: RunFolder) -> None:
    """Write the table of a run that has measured anything, complete or not at all.

    What else was measured, as preferences and rewards are, follows under its own name.
    """
    columns = _columns(oldest_first(folder.metrics))
    if not columns:
        return
    part = folder.result.with_name("result.csv.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for row in oldest_first(folder.metrics):
            table.writerow([row.get(name, "") for name in columns.values()])
    part.replace(folder.result)


def _columns(rows: Iterator[Record]) -> dict[str, str]:
    measured = {name: name for row in rows for name, value in row.items() if _is_number(value)}
    if "train_loss" not in measured:
        return measured
    return LOSSES | {name: name for name in measured if name not in LOSSES.values()}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))
