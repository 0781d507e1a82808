"""The one list of grader types; `multi`, which is made of them, is read beside it."""

from app.graders.base import Grader
from app.graders.field_f1 import FieldF1
from app.graders.json_schema import JsonSchema
from app.graders.json_valid import JsonValid
from app.graders.label import Label
from app.graders.label_model import LabelModel
from app.graders.latency import Latency
from app.graders.length import Length
from app.graders.match import Match
from app.graders.number import Number
from app.graders.pairwise import Pairwise
from app.graders.price import Price
from app.graders.python import Python
from app.graders.refusal import Refusal
from app.graders.regex import Regex
from app.graders.score_model import ScoreModel
from app.graders.string_check import StringCheck
from app.graders.text_similarity import TextSimilarity
from app.graders.tool_call import ToolCall

OPENAIS: dict[str, type[Grader]] = {
    "string_check": StringCheck,
    "text_similarity": TextSimilarity,
    "score_model": ScoreModel,
    "label_model": LabelModel,
    "python": Python,
}
OURS: dict[str, type[Grader]] = {
    "match": Match,
    "regex": Regex,
    "number": Number,
    "label": Label,
    "json_valid": JsonValid,
    "json_schema": JsonSchema,
    "field_f1": FieldF1,
    "tool_call": ToolCall,
    "length": Length,
    "pairwise": Pairwise,
    "refusal": Refusal,
    "latency": Latency,
    "price": Price,
}
SINGLE = OPENAIS | OURS
