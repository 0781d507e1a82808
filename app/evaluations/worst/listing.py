"""The list of a contestant's worst cases: what it is sorted and filtered by."""

from sqlalchemy import func

from app.core.listing import NUMBER, Column, Filter, Table, contains, one_of
from app.evaluations.models import Case
from app.evaluations.reports.listing import flag
from app.evaluations.reports.models import BoardCase
from app.evaluations.worst.models import WorstCase
from app.evaluations.worst.saying import Says

SAYS = {
    Says.ABSENT: "no such row",
    Says.OTHERWISE: "say otherwise",
    Says.SPLIT: "disagree",
    Says.AGREES: "say the same",
    Says.TEXTS: "are texts",
}
LOST = "The base had it right"


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise ValueError("The number of a case is needed.")
    return int(text)


WORST = Table(
    noun="case",
    row_id=WorstCase.number,
    columns=(
        Column("case", "Case", WorstCase.number, is_number=True, is_kept=True),
        Column("asked", "Question and answer", is_kept=True),
        Column("score", "Score", WorstCase.score, is_number=True, is_extra=True),
        Column("near", "Nearest training rows", WorstCase.likeness, is_kept=True),
        Column("rank", "Rank", WorstCase.place, is_number=True, is_extra=True),
    ),
    filters=(
        contains(
            "q", "Question or reference", BoardCase.question, func.coalesce(Case.reference, "")
        ),
        one_of(
            "says",
            "The nearest rows",
            func.coalesce(WorstCase.says, ""),
            [(says.value, words) for says, words in SAYS.items()],
        ),
        flag("lost", LOST, WorstCase.is_lost.is_(True)),
        Filter("case", "Case", "number", _number, lambda number: WorstCase.number == number),
    ),
    start="rank",
)
