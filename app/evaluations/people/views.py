"""What the pages of people's grades show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.auth.models import User
from app.core.views import FormState
from app.evaluations.duels.wins import Cell, PairLine
from app.evaluations.models import EvaluationRun, GivenAnswer, Result
from app.evaluations.people.figures import Concord, PlaceScore
from app.evaluations.people.models import Round, RoundKind
from app.evidence.base import Agreement
from app.formats.drawn import Answer, Call, Turn, cut
from app.formats.messages import tool_names_in, turns_in
from app.projects.views import initials

NOBODY = "somebody who has left"
KINDS = {RoundKind.GRADES: "Answers graded one by one", RoundKind.DUELS: "Answers in pairs"}


@dataclass(frozen=True, slots=True)
class RunHead:
    """The run that a page is about."""

    project_id: int
    evaluation_id: int
    evaluation_name: str
    run_id: int
    number: int


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round in the list; `left` is what waits for the reader, None where they cannot grade it."""

    id: int
    number: int
    kind: str
    items: int
    graded: int
    people: int
    left: int | None
    is_closed: bool
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """A run's rounds, and the form for the next: `judges` are (place, labels), `contestants`
    (id, name).
    """

    head: RunHead
    rounds: tuple[RoundLine, ...]
    judges: tuple[tuple[int, str], ...]
    contestants: tuple[tuple[int, str], ...]
    answered: int
    can_edit: bool
    form: FormState


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody who grades: what they have said, passed over and have left."""

    name: str
    initials: str
    graded: int
    skipped: int
    left: int
    is_me: bool
    was_asked: bool


@dataclass(frozen=True, slots=True)
class PairOfPeople:
    """Two people by name, and how they agree."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Told:
    """What people said. `scores` of contestants by name where answers were graded, else `pairs`
    with the grid.
    """

    concord: Concord
    agreeing: tuple[PairOfPeople, ...]
    scores: tuple[tuple[str, PlaceScore], ...] = ()
    pairs: tuple[PairLine, ...] = ()
    names: tuple[str, ...] = ()
    grid: Sequence[Sequence[Cell]] = ()


@dataclass(frozen=True, slots=True)
class ShowView:
    """A round: who has graded how much and, where `told` may be, what they said. `left` is what
    waits for the reader, `others` are (id, name) who can be asked, `link` is the address for them.
    """

    head: RunHead
    round_id: int
    number: int
    kind: str
    question: str
    items: int
    graded: int
    per_item: int
    labels: tuple[str, ...]
    is_closed: bool
    by: str
    created_at: datetime
    people: tuple[PersonLine, ...]
    others: tuple[tuple[int, str], ...]
    left: int
    can_grade: bool
    told: Told | None
    link: str
    topic: str
    form: FormState


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to say, by its key."""

    value: str
    words: str
    key: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """What is to be graded now. Nothing here tells whose answer it is."""

    number: int
    turns: tuple[Turn, ...]
    tools: tuple[str, ...]
    reference: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class GradeView:
    """The page on which a person grades; `item` is None where nothing is left for them."""

    head: RunHead
    round_id: int
    is_duel: bool
    question: str
    is_closed: bool
    is_done: bool
    done: int
    left: int
    choices: tuple[Choice, ...]
    item: ItemView | None
    form: FormState


def head_of(run: EvaluationRun) -> RunHead:
    """The run as a page names it."""
    return RunHead(run.project_id, run.evaluation_id, run.evaluation.name, run.id, run.number)


def name_of(person: User | None) -> str:
    """A person's name."""
    return person.name if person else NOBODY


def marked(name: str) -> str:
    """Two letters for a name."""
    return initials(name)


def choices_of(round_: Round) -> tuple[Choice, ...]:
    """What can be said of an item, each by a key."""
    if round_.kind == RoundKind.DUELS:
        found = [("left", "The left one"), ("right", "The right one"), ("tie", "Neither, a tie")]
    else:
        found = [
            (one, one.capitalize() if one in {"right", "wrong"} else one) for one in round_.labels
        ]
    return tuple(Choice(value, words, str(n)) for n, (value, words) in enumerate(found, start=1))


def item_of(round_: Round, number: int, shown: Sequence[Result], *, swapped: bool) -> ItemView:
    """The item of this number as it is shown."""
    case = shown[0].case
    given = [one.answer for one in shown if one.answer is not None]
    titles: tuple[str, ...] = ("The answer",)
    if round_.kind == RoundKind.DUELS:
        titles = ("Left", "Right")
    if swapped:
        given.reverse()
    return ItemView(
        number,
        turns_in(case.messages),
        tool_names_in(case.tools),
        cut(case.reference) if round_.shows_reference and case.reference is not None else None,
        tuple(Answer(title, said(one)) for title, one in zip(titles, given, strict=False)),
    )


def said(answer: GivenAnswer) -> tuple[Turn, ...]:
    """An answer as a turn of the conversation."""
    calls = tuple(_call(one) for one in answer.calls)
    text = answer.text or answer.refusal or ("" if calls else "(an empty answer)")
    return (Turn("assistant", cut(text), calls=calls),)


def _call(call: Mapping[str, Any]) -> Call:
    function = call.get("function", call)
    return Call(str(function.get("name", "")), cut(str(function.get("arguments", ""))))
