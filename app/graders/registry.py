"""The one list of grader types; `multi`, which is made of them, is read beside it."""

from app.graders.base import Grader
from app.graders.label_model import LabelModel
from app.graders.python import Python
from app.graders.score_model import ScoreModel
from app.graders.string_check import StringCheck
from app.graders.text_similarity import TextSimilarity

SINGLE: dict[str, type[Grader]] = {
    "string_check": StringCheck,
    "text_similarity": TextSimilarity,
    "score_model": ScoreModel,
    "label_model": LabelModel,
    "python": Python,
}
