"""Check a dataset version: read every row safely, count, say what is wrong and how to cure it."""

from app.datasets.checks.base import Bin, Limits, Progress, Verdict
from app.datasets.checks.report import verdict
from app.datasets.checks.steps import check_slice
from app.datasets.parts import discard

__all__ = ["Bin", "Limits", "Progress", "Verdict", "check_slice", "discard", "verdict"]
