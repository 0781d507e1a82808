"""The one list of checks made on the file as a whole, in the order they are made."""

from app.datasets.checks.base import Check
from app.datasets.checks.duplicates import ExactDuplicates
from app.datasets.checks.labels import SmallLabels
from app.datasets.checks.limits import FileLimits
from app.datasets.checks.tokens import LongRows

CHECKS: tuple[Check, ...] = (FileLimits(), LongRows(), ExactDuplicates(), SmallLabels())
