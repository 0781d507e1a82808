"""The one list of checks of the second pass, in the order they are made."""

from app.datasets.checks.deep.base import DeepCheck
from app.datasets.checks.deep.contradictions import Contradictions
from app.datasets.checks.deep.duplicates import Duplicates
from app.datasets.checks.deep.sketches import Sketching

DEEP_CHECKS: tuple[type[DeepCheck], ...] = (Sketching, Duplicates, Contradictions)
