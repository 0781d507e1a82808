"""Decisions about rounds of grading by people."""

import json
import secrets

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.core.events import announce
from app.evaluations.models import EvaluationRun
from app.evaluations.people import making, queries
from app.evaluations.people.forms import MOST_ITEMS, MOST_LABELS, GradeForm, RoundForm
from app.evaluations.people.making import Given, Shown
from app.evaluations.people.models import (
    PersonsGrade,
    Round,
    RoundKind,
    RoundPerson,
    RoundResult,
)
from app.evaluations.people.ordering import is_swapped, left_for, order_of
from app.graders.label_model import LabelModel
from app.graders.reading import read_grader
from app.projects.queries import membership

RIGHT, WRONG = "right", "wrong"
FIRST, SECOND, TIE = "first", "second", "tie"
LEFT_SIDE, RIGHT_SIDE = "left", "right"
CLOSED = "This round is closed: it takes no more grades."
NOT_YET = "You may have what others said once you are done, or the round is closed."
NOT_DONE = "Something is left for you to grade."
IS_DONE = "You are done, and know what others said: you grade no more in this round."
NOTHING = "Nobody has answered yet: there is nothing to grade."
ALL_SAME = "These contestants answered each of the cases word for word alike."


def begin_round(
    session: Session,
    run: EvaluationRun,
    form: RoundForm,
    *,
    actor_id: int,
    seed: int | None = None,
) -> Round:
    """Draw cases and freeze what people will be shown. Raises WrongInput."""
    labels, passing = _labels(session, run, form)
    seed = secrets.randbelow(2**31) if seed is None else seed
    asked, same = _items(session, run, form, seed)
    made = Round(
        project_id=run.project_id,
        run=run,
        number=queries.last_number(session, run.id) + 1,
        kind=form.kind,
        question=form.question,
        labels=labels,
        passing=passing,
        shows_reference=form.shows_reference,
        per_item=form.per_item,
        items=len(asked),
        seed=seed,
        created_by=actor_id,
        created_at=clock.now(session),
    )
    session.add(made)
    session.flush()
    rows = [
        {"round_id": made.id, "number": number, "result_id": result_id, "side": side}
        for number, shown in enumerate([*asked, *same], start=1)
        for side, result_id in enumerate(shown)
    ]
    session.execute(insert(RoundResult), rows)
    _record(session, made, "round.begun", actor_id)
    return made


def _labels(session: Session, run: EvaluationRun, form: RoundForm) -> tuple[list[str], list[str]]:
    if form.kind == RoundKind.DUELS:
        return [FIRST, SECOND, TIE], []
    if form.labels_of is None:
        return [RIGHT, WRONG], [RIGHT]
    found = next((one for one in labelled(session, run.id) if one[0] == form.labels_of), None)
    if found is None:
        raise WrongInput.field(
            "labels_of", f"The run has no such grader with at most {MOST_LABELS} labels."
        )
    return list(found[1].labels), list(found[1].passing_labels)


def labelled(session: Session, run_id: int) -> list[tuple[int, LabelModel]]:
    """The run's judges whose labels people can give too, by their places: a key for each."""
    found = (
        (one.place, read_grader(one.version.settings))
        for one in queries.graders_of(session, run_id)
    )
    return [
        (place, grader)
        for place, grader in found
        if isinstance(grader, LabelModel) and len(grader.labels) <= MOST_LABELS
    ]


def _items(
    session: Session, run: EvaluationRun, form: RoundForm, seed: int
) -> tuple[list[Shown], list[Shown]]:
    given = answers_given(session, run.id, cases=form.cases, seed=seed)
    asked, same = (
        (making.to_grade(given, seed), [])
        if form.kind == RoundKind.GRADES
        else making.to_choose(given, seed, against=meets(session, run, form.against))
    )
    if len(asked) > MOST_ITEMS:
        words = f"That is {len(asked):,} to look at; {MOST_ITEMS:,} is the most. Draw fewer cases."
        raise WrongInput.field("cases", words)
    if not asked:
        raise WrongInput.field("cases", ALL_SAME)
    return asked, same


def answers_given(session: Session, run_id: int, *, cases: int, seed: int) -> list[Given]:
    """What was answered to so many of a run's cases, drawn by lot. Raises WrongInput."""
    drawn = making.drawn(queries.answered_case_ids(session, run_id), cases, seed)
    given = [
        Given(
            one.result_id,
            one.case_id,
            one.place,
            json.dumps([one.text, one.calls, one.refusal], sort_keys=True),
        )
        for one in queries.answers_to(session, run_id, drawn)
    ]
    if not given:
        raise WrongInput.field("cases", NOTHING)
    return given


def meets(session: Session, run: EvaluationRun, contestant_id: int | None) -> int | None:
    """The place of the contestant that all others meet, None where everybody meets everybody.
    Raises WrongInput.
    """
    places = {one.id: one.place for one in queries.contestants_of(session, run.id)}
    if len(places) < 2:  # noqa: PLR2004
        raise WrongInput.field("against", "A duel needs two contestants; this run has one.")
    if contestant_id is None:
        return None
    if contestant_id not in places:
        raise WrongInput.field("against", "The run has no such contestant.")
    return places[contestant_id]


def ask(session: Session, round_: Round, *, user_id: int, actor_id: int) -> None:
    """Ask a member to grade. Asked twice is asked once. Raises WrongInput."""
    _check_open(round_)
    member = membership(session, user_id, round_.project_id)
    if member is None:
        raise WrongInput.field("user_id", "The project has no such member.")
    if not member.may("edit"):
        raise WrongInput.field("user_id", "Only editors and owners of the project can grade.")
    if queries.person_of(session, round_.id, user_id) is None:
        _add_person(session, round_, user_id, actor_id)
        _record(session, round_, "round.asked", actor_id, asked=user_id)


def _add_person(session: Session, round_: Round, user_id: int, asked_by: int | None) -> None:
    moment = clock.now(session)
    session.add(
        RoundPerson(round_id=round_.id, user_id=user_id, asked_by=asked_by, asked_at=moment)
    )
    session.flush()


def still_to_grade(session: Session, round_: Round, user_id: int) -> list[int]:
    """The numbers of what is left for this person, in their own order."""
    return left_for(
        order_of(round_.seed, user_id, round_.items),
        queries.said_by(session, round_.id, user_id),
        queries.graded_by_others(session, round_.id, user_id),
        round_.per_item,
    )


def give(session: Session, round_: Round, form: GradeForm, *, user_id: int) -> None:
    """Keep what a person says of an item; said again, it is corrected. Raises WrongInput and
    Conflict.
    """
    person = _check_blind(session, round_, user_id)
    if form.number > round_.items:
        raise WrongInput.field("number", "The round has no such item.")
    swapped = round_.kind == RoundKind.DUELS and is_swapped(round_.seed, user_id, form.number)
    label = None if form.skip else _label(round_, form.label, swapped=swapped)
    if person is None:
        _add_person(session, round_, user_id, None)
    found = queries.grade_of(session, round_.id, user_id, form.number)
    if found is not None:
        found.label, found.note, found.given_at = label, form.note, clock.now(session)
        return
    before = queries.last_grade_of(session, round_.id, user_id)
    session.add(
        PersonsGrade(
            round_id=round_.id,
            user_id=user_id,
            number=form.number,
            step=before.step + 1 if before else 1,
            label=label,
            is_swapped=swapped,
            note=form.note,
            given_at=clock.now(session),
        )
    )
    session.flush()
    announce(session, f"round:{round_.id}")


def _label(round_: Round, label: str | None, *, swapped: bool) -> str:
    """What is kept: of a duel the contestant's side, not the one it was shown on."""
    if round_.kind == RoundKind.DUELS:
        first, second = (RIGHT_SIDE, LEFT_SIDE) if swapped else (LEFT_SIDE, RIGHT_SIDE)
        known = {first: FIRST, second: SECOND, TIE: TIE}
    else:
        known = {one: one for one in round_.labels}
    if label not in known:
        told = f"Choose one of {', '.join(known)}, or pass it over."
        raise WrongInput.field("label", told)
    return known[label]


def take_back(session: Session, round_: Round, *, user_id: int) -> PersonsGrade | None:
    """Forget what this person said last, which is then to be graded again; what it was, if there
    was anything. Raises Conflict.
    """
    _check_blind(session, round_, user_id)
    last = queries.last_grade_of(session, round_.id, user_id)
    if last is not None:
        session.delete(last)
        session.flush()
        announce(session, f"round:{round_.id}")
    return last


def close_round(session: Session, round_: Round, *, actor_id: int) -> None:
    """No more grades: everybody may see what was said."""
    if round_.closed_at is None:
        round_.closed_at = clock.now(session)
        _record(session, round_, "round.closed", actor_id)
        announce(session, f"round:{round_.id}")


def finish(session: Session, round_: Round, *, user_id: int) -> None:
    """Somebody who has graded all that is theirs is done, and told what others said. Raises
    Conflict where something is left.
    """
    person = queries.person_of(session, round_.id, user_id)
    if person is None or still_to_grade(session, round_, user_id):
        raise Conflict(NOT_DONE)
    if person.done_at is None:
        person.done_at = clock.now(session)


def may_see(round_: Round, person: RoundPerson | None, *, can_grade: bool) -> bool:
    """Whether what others said may be told: not to somebody who could still grade."""
    is_done = person is not None and person.done_at is not None
    return round_.closed_at is not None or not can_grade or is_done


def _check_open(round_: Round) -> None:
    if round_.closed_at is not None:
        raise Conflict(CLOSED)


def _check_blind(session: Session, round_: Round, user_id: int) -> RoundPerson | None:
    """The person, if they have begun; whoever knows what others said grades no more."""
    _check_open(round_)
    person = queries.person_of(session, round_.id, user_id)
    if person is not None and person.done_at is not None:
        raise Conflict(IS_DONE)
    return person


def _record(session: Session, round_: Round, verb: str, actor_id: int, **detail: int) -> None:
    auth.record(
        session,
        verb,
        f"round:{round_.id}",
        actor_id=actor_id,
        project_id=round_.project_id,
        name=round_.run.evaluation.name,
        number=round_.number,
        **detail,
    )
