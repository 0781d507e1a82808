"""The lists of evaluations and of a run's cases: what they are sorted and filtered by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func

from app.core.listing import Column, Filter, Table, by_id, contains, one_of, put_away
from app.evaluations.models import Case, CaseTag, Evaluation, EvaluationStatus
from app.evaluations.reports.models import LABEL_WIDTH, MISSING, MIXED, RIGHT, WRONG, BoardCase
from app.evaluations.reports.queries_cases import holds

STATUSES = {
    EvaluationStatus.READING: "being read",
    EvaluationStatus.READY: "ready",
    EvaluationStatus.REFUSED: "refused",
}

EVALUATIONS = Table(
    noun="evaluation",
    row_id=Evaluation.id,
    columns=(
        Column("name", "Evaluation", func.lower(Evaluation.name), is_kept=True),
        Column("verdict", "Latest verdict"),
        Column("cases", "Cases", Evaluation.cases, is_number=True, is_down=True),
        Column("runs", "Runs", is_number=True),
        Column("by", "Made by"),
        Column("made", "Made", Evaluation.created_at, is_number=True, is_down=True),
    ),
    filters=(
        contains("q", "Name", Evaluation.name),
        one_of(
            "status",
            "Cases are",
            Evaluation.status,
            [(status.value, words) for status, words in STATUSES.items()],
        ),
        by_id("by", "Made by", lambda value: Evaluation.created_by == value),
        put_away(Evaluation.archived_at),
    ),
    start="-made",
)


@dataclass(frozen=True, slots=True)
class Entrants:
    """Who takes part in a run: ids and names in their order; `labels` are those answers are sorted
    by.
    """

    ids: Sequence[int]
    names: Sequence[str]
    labels: Sequence[str] = ()


def cases_table(who: Entrants) -> Table:
    """The cases of a run as a list. A contestant is named by its place, from 1."""
    places = [(str(at), name) for at, name in enumerate(who.names, start=1)]
    return Table(
        noun="case",
        row_id=BoardCase.number,
        columns=(
            Column("case", "Case", BoardCase.number, is_number=True, is_kept=True),
            Column("question", "Question", is_kept=True),
            Column("reference", "Reference"),
            *(
                Column(f"c{at}", name, func.substr(BoardCase.marks, at, 1))
                for at, name in enumerate(who.names, start=1)
            ),
            Column("right", "Right", BoardCase.right, is_number=True, is_extra=True),
        ),
        filters=(
            Filter("q", "Question, reference or answer", "text", str, holds),
            _marked("wrong", "Wrong", places, (WRONG, MIXED)),
            _marked("right", "Right", places, (RIGHT,)),
            _marked("mixed", "Right at times", places, (MIXED,)),
            _marked("missing", "Without answer", places, (MISSING,)),
            flag("disagree", "Contestants disagree", BoardCase.is_split.is_(True)),
            Filter("tag", "Tag", "pick", _tag, _tagged),
            Filter("reference", "Reference is", "pick", str, _referring),
            Filter("answered", "Answered", "pick", _answering(who), _answered),
        ),
        start="case",
        beside=("against", "confusion"),
    )


def _marked(
    key: str, words: str, places: Sequence[tuple[str, str]], marks: tuple[str, ...]
) -> Filter:
    """All of the contestants chosen have one of these marks."""

    def parse(text: str) -> list[int]:
        values = text.split(",")
        if set(values) - {value for value, _ in places}:
            raise ValueError(f"One or more of: {', '.join(value for value, _ in places)}.")
        return [int(value) for value in values]

    def where(chosen: list[int]) -> ColumnElement[bool]:
        return and_(*(func.substr(BoardCase.marks, at, 1).in_(marks) for at in chosen))

    return Filter(key, words, "named", parse, where, tuple(places))


def flag(key: str, words: str, condition: ColumnElement[bool]) -> Filter:
    """Something that holds, or that nobody asks for."""

    def parse(text: str) -> bool:
        if text != "yes":
            raise ValueError("yes, or left out.")
        return True

    return Filter(key, words, "flag", parse, lambda _: condition, (("yes", words),))


def _tag(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition(":")
    if not is_there:
        raise ValueError("A field and a value are needed, like channel:mail.")
    return name, value


def _tagged(tag: tuple[str, str]) -> ColumnElement[bool]:
    return exists().where(
        CaseTag.case_id == BoardCase.case_id, CaseTag.field == tag[0], CaseTag.value == tag[1]
    )


def _referring(text: str) -> ColumnElement[bool]:
    return exists().where(Case.id == BoardCase.case_id, Case.reference == text)


def _answering(who: Entrants) -> Callable[[str], tuple[int, str]]:
    """`2:refund` is the second contestant answering refund; `2:` answering with no known label."""

    def parse(text: str) -> tuple[int, str]:
        place, is_there, label = text.partition(":")
        known = {str(at) for at in range(1, len(who.ids) + 1)}
        if not is_there or place not in known or (label and label not in who.labels):
            raise ValueError("A contestant and a label are needed, like 1:refund.")
        at = who.labels.index(label) + 1 if label else 0
        return int(place), f"{at:0{LABEL_WIDTH}d}"

    return parse


def _answered(asked: tuple[int, str]) -> ColumnElement[bool]:
    place, code = asked
    first = (place - 1) * LABEL_WIDTH + 1
    has_answer = func.substr(BoardCase.marks, place, 1) != MISSING
    return and_(has_answer, func.substr(BoardCase.labels, first, LABEL_WIDTH) == code)
