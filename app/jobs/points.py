"""The numbers of metrics events: which of them are points, and what a job's row keeps of them."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.jobs import metrics
from app.jobs.charts import thinned
from app.jobs.models import Job

SERIES_LENGTH = 64


def take_point(job: Job, data: Mapping[str, Any], series: dict[str, list[metrics.Point]]) -> None:
    """The finite numbers of one metrics event, by name or path; `step` is their place."""
    step = data.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        return
    total = data.get("total_steps")
    job.step = max(step, job.step or 0)
    if isinstance(total, int) and total > 0:
        job.total_steps = total
    for name, value in _numbers(data):
        if name not in {"step", "total_steps"} and len(name) <= SERIES_LENGTH:
            series.setdefault(name, []).append((step, value))


def _numbers(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The finite numbers, those of nested objects by their path (`scores.train_reward_mean`) and
    after all others: there is room for so many series only.
    """
    nested = []
    for name, value in data.items():
        if isinstance(value, dict):
            nested.append((f"{prefix}{name}.", value))
        elif _is_number(value):
            yield f"{prefix}{name}", float(value)
    for path, inner in nested:
        yield from _numbers(inner, path)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def keep_bests(job: Job, series: Mapping[str, list[metrics.Point]]) -> None:
    """The job row's own figures: last and best losses, and sixty points of each for its spark-line.

    The best validation loss is that of the full validation set where the provider measures it.
    """
    train, valid = series.get("train_loss", []), series.get("valid_loss", [])
    full = series.get("full_valid_loss", [])
    spark = job.spark or {}
    if train:
        job.train_loss = train[-1][1]
    if valid:
        job.valid_loss = valid[-1][1]
    if full and not spark.get("is_full"):
        job.best_valid_loss = job.best_valid_step = None
    for step, value in full or ([] if spark.get("is_full") else valid):
        if job.best_valid_loss is None or value < job.best_valid_loss:
            job.best_valid_loss, job.best_valid_step = value, step
    job.spark = {
        "train": thinned(spark.get("train", []), train),
        "valid": thinned(spark.get("valid", []), valid),
        "full": thinned(spark.get("full", []), full),
        "is_full": bool(full) or bool(spark.get("is_full")),
    }
