"""The one list of checks of the second pass, in the order they are made."""

from app.datasets.checks.deep.arguments import ToolArguments
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.checks.deep.contradictions import Contradictions
from app.datasets.checks.deep.duplicates import Duplicates
from app.datasets.checks.deep.endings import CutAnswers, EmptyAnswers, Loops
from app.datasets.checks.deep.instructions import NearlySameInstructions
from app.datasets.checks.deep.labels import UnevenLabels
from app.datasets.checks.deep.languages import Languages
from app.datasets.checks.deep.lengths import ExtremeLengths
from app.datasets.checks.deep.personal import PersonalData
from app.datasets.checks.deep.phrases import Openings, Refusals
from app.datasets.checks.deep.secrets import Secrets
from app.datasets.checks.deep.sketches import Sketching

DEEP_CHECKS: tuple[type[DeepCheck], ...] = (
    Sketching,
    Duplicates,
    Contradictions,
    Secrets,
    PersonalData,
    Refusals,
    Openings,
    CutAnswers,
    Loops,
    EmptyAnswers,
    ExtremeLengths,
    ToolArguments,
    NearlySameInstructions,
    UnevenLabels,
    Languages,
)
