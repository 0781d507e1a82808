"""A page about people's grades, put together from what is in the database."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from fastapi import Request
from sqlalchemy.orm import Session

from app.auth.models import User
from app.core.pages import path_for
from app.core.views import FormState
from app.evaluations.duels.wins import grid_of, lines_of, tallied
from app.evaluations.models import EvaluationRun
from app.evaluations.people import queries, service, views
from app.evaluations.people.figures import Concord, Labels, concord_of, outcomes_of, scores_of
from app.evaluations.people.models import PersonsGrade, Round, RoundKind
from app.evaluations.people.ordering import is_swapped, left_for, order_of
from app.projects.access import role_here
from app.projects.queries import members_of
from app.settings import settings


def index(
    request: Request, session: Session, user: User, run: EvaluationRun, form: FormState
) -> views.IndexView:
    """A run's rounds."""
    return views.IndexView(
        head=views.head_of(run),
        rounds=lines(request, session, user, run),
        judges=tuple(
            (place, ", ".join(one.labels)) for place, one in service.labelled(session, run.id)
        ),
        contestants=tuple((one.id, one.name) for one in queries.contestants_of(session, run.id)),
        answered=len(queries.answered_case_ids(session, run.id)),
        can_edit=role_here(request).may("edit"),
        form=form,
    )


def lines(
    request: Request,
    session: Session,
    user: User,
    run: EvaluationRun,
    *,
    kind: RoundKind | None = None,
) -> tuple[views.RoundLine, ...]:
    """A run's rounds, of one kind if one is named, as a list has them."""
    can_edit = role_here(request).may("edit")
    rounds = [one for one in queries.rounds_of(session, run.id) if kind in {None, one.kind}]
    said = _by_round(queries.grades_of(session, [one.id for one in rounds]))
    return tuple(_line(one, said[one.id], user, can_edit=can_edit) for one in rounds)


def _by_round(grades: Sequence[PersonsGrade]) -> dict[int, list[PersonsGrade]]:
    found: dict[int, list[PersonsGrade]] = defaultdict(list)
    for one in grades:
        found[one.round_id].append(one)
    return found


def _line(
    round_: Round, said: Sequence[PersonsGrade], user: User, *, can_edit: bool
) -> views.RoundLine:
    is_open = round_.closed_at is None
    return views.RoundLine(
        round_.id,
        round_.number,
        views.KINDS[RoundKind(round_.kind)],
        round_.items,
        len({one.number for one in said if one.label is not None}),
        len({one.user_id for one in said}),
        len(_left(round_, said, user.id)) if can_edit and is_open else None,
        not is_open,
        views.name_of(round_.creator),
        round_.created_at,
    )


def _left(round_: Round, said: Sequence[PersonsGrade], user_id: int) -> list[int]:
    own = {one.number for one in said if one.user_id == user_id}
    others = Counter(one.number for one in said if one.user_id != user_id and one.label is not None)
    return left_for(order_of(round_.seed, user_id, round_.items), own, others, round_.per_item)


def show(
    request: Request, session: Session, user: User, round_: Round, form: FormState
) -> views.ShowView:
    """A round: who has graded how much, and what they said where that may be told."""
    said = queries.grades_of(session, [round_.id])
    people = queries.people_of(session, round_.id)
    can_grade = role_here(request).may("edit")
    me = next((one for one in people if one.user_id == user.id), None)
    left = _left(round_, said, user.id)
    is_told = service.may_see(round_, me, can_grade=can_grade)
    there = {one.user_id for one in people}
    members = members_of(session, round_.project_id) if can_grade else ()
    path = path_for(request, "rounds.grade", round_id=round_.id)
    return views.ShowView(
        head=views.head_of(round_.run),
        round_id=round_.id,
        number=round_.number,
        kind=views.KINDS[RoundKind(round_.kind)],
        question=round_.question,
        items=round_.items,
        graded=len({one.number for one in said if one.label is not None}),
        per_item=round_.per_item,
        labels=tuple(round_.labels) if round_.kind == RoundKind.GRADES else (),
        is_closed=round_.closed_at is not None,
        by=views.name_of(round_.creator),
        created_at=round_.created_at,
        people=tuple(
            _person(round_, said, one.user, user, was_asked=one.asked_by is not None)
            for one in people
        ),
        others=tuple(
            (one.user_id, one.user.name)
            for one in members
            if one.may("edit") and one.user_id not in there
        ),
        left=0 if me is not None and me.done_at else len(left),
        can_grade=can_grade and round_.closed_at is None,
        told=_told(session, round_, said) if is_told else None,
        link=f"{settings().base_url}{path}",
        topic=f"round:{round_.id}",
        form=form,
    )


def _person(
    round_: Round, said: Sequence[PersonsGrade], person: User, reader: User, *, was_asked: bool
) -> views.PersonLine:
    own = [one for one in said if one.user_id == person.id]
    return views.PersonLine(
        person.name,
        views.marked(person.name),
        sum(one.label is not None for one in own),
        sum(one.label is None for one in own),
        0 if round_.closed_at else len(_left(round_, said, person.id)),
        person.id == reader.id,
        was_asked,
    )


def _told(session: Session, round_: Round, grades: Sequence[PersonsGrade]) -> views.Told:
    said = labels_of(grades)
    concord = concord_of(said)
    people = {one.user_id: one.user.name for one in grades}
    names = {one.place: one.name for one in queries.contestants_of(session, round_.run_id)}
    places: dict[int, list[int]] = defaultdict(list)
    for row in queries.places_of(session, round_.id):
        places[row.number].append(row.place)
    if round_.kind == RoundKind.GRADES:
        scores = scores_of(said, places, round_.passing)
        named = tuple((names[one.place], one) for one in scores)
        return views.Told(concord, _agreeing(concord, people), scores=named)
    tallies = tallied(outcomes_of(said, places, round_.items))
    there = sorted({place for pair in tallies for place in pair})
    return views.Told(
        concord,
        _agreeing(concord, people),
        pairs=tuple(lines_of(tallies, names)),
        names=tuple(names[place] for place in there),
        grid=grid_of(tallies, there),
    )


def labels_of(grades: Sequence[PersonsGrade]) -> Labels:
    """What was said, without what was passed over."""
    said: dict[int, dict[int, str]] = defaultdict(dict)
    for one in grades:
        if one.label is not None:
            said[one.number][one.user_id] = one.label
    return said


def _agreeing(concord: Concord, people: Mapping[int, str]) -> tuple[views.PairOfPeople, ...]:
    return tuple(
        views.PairOfPeople(people[one.first], people[one.second], one.agreement)
        for one in concord.pairs
    )


def grading(session: Session, round_: Round, user: User, form: FormState) -> views.GradeView:
    """What this person grades next. What came back with a mistake is shown again."""
    left = service.still_to_grade(session, round_, user.id)
    again = form.values.get("number", "")
    number = int(again) if form.errors and again.isdecimal() else next(iter(left), None)
    shown = queries.shown_in(session, round_.id, number) if number else ()
    is_open = round_.closed_at is None
    person = queries.person_of(session, round_.id, user.id)
    is_done = person is not None and person.done_at is not None
    item = None
    if number and shown and is_open and not is_done:
        swapped = is_swapped(round_.seed, user.id, number)
        item = views.item_of(round_, number, shown, swapped=swapped)
    return views.GradeView(
        head=views.head_of(round_.run),
        round_id=round_.id,
        is_duel=round_.kind == RoundKind.DUELS,
        question=round_.question,
        is_closed=not is_open,
        is_done=is_done,
        done=len(queries.said_by(session, round_.id, user.id)),
        left=len(left),
        choices=views.choices_of(round_),
        item=item,
        form=form,
    )
