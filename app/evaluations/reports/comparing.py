"""Two runs of an evaluation: the same cases, asked at different times."""

from dataclasses import replace

from sqlalchemy.orm import Session

from app.evaluations.reports import queries_cases
from app.evaluations.reports.differences import KINDS
from app.evaluations.reports.entrants import Opened
from app.evaluations.reports.scores import said, signed
from app.evaluations.reports.views import Then
from app.evidence.base import FEWEST, Verdict, VerdictKind
from app.evidence.proportions import paired_interval
from app.evidence.words import sentence


def verdict_between(
    session: Session, one: Opened, place: int, other: Opened, other_place: int
) -> Verdict:
    """A contestant of the later run against one of the earlier, by which cases each had right."""
    more, fewer, both, cases, of = queries_cases.marks_of_two(
        session, one.run.id, place + 1, other.run.id, other_place + 1
    )
    first = f"{one.names[place]} in run {one.run.number}"
    second = f"{other.names[other_place]} in run {other.run.number}"
    empty = Verdict(
        first=first,
        second=second,
        measure="passes",
        kind="too_few",
        cases=cases,
        left_out=of - cases,
        repeats=max(one.run.repeats, other.run.repeats),
        first_mean=None,
        second_mean=None,
        difference=None,
        interval=None,
        p=None,
        better_on=more,
        worse_on=fewer,
        equal_on=cases - more - fewer,
    )
    if cases < FEWEST:
        return empty
    interval, difference = paired_interval(more, fewer, cases), (more - fewer) / cases
    kind: VerdictKind = "no_large_difference"
    if not more and not fewer:
        kind = "same"
    elif interval.leaves_out(0):
        kind = "better" if difference > 0 else "worse"
    return replace(
        empty,
        kind=kind,
        first_mean=(both + more) / cases,
        second_mean=(both + fewer) / cases,
        difference=difference,
        interval=interval,
    )


def thens_of(session: Session, now: Opened, before: Opened) -> tuple[Then, ...]:
    """Those who took part in both runs, under the same name."""
    earlier = {name: place for place, name in enumerate(before.names)}
    return tuple(
        _then(name, verdict_between(session, now, place, before, earlier[name]))
        for place, name in enumerate(now.names)
        if name in earlier
    )


def _then(name: str, verdict: Verdict) -> Then:
    return Then(
        name=name,
        first="unknown" if verdict.second_mean is None else said(verdict.second_mean, "passes"),
        second="unknown" if verdict.first_mean is None else said(verdict.first_mean, "passes"),
        change="unknown" if verdict.difference is None else signed(verdict.difference, "passes"),
        words=KINDS[verdict.kind],
    )


def alone_of(now: Opened, before: Opened) -> tuple[tuple[str, str], ...]:
    """Those who took part in one of the two alone, and in which."""
    return tuple(
        (name, f"run {one.run.number} alone")
        for one, other in ((now, before), (before, now))
        for name in one.names
        if name not in other.names
    )


def lead(session: Session, now: Opened, before: Opened) -> str:
    """The best of the one run against the best of the other."""
    best = [_best(one) for one in (now, before)]
    if best[0] is None or best[1] is None:
        return "One of the two runs has no evidence yet."
    return f"{sentence(verdict_between(session, now, best[0], before, best[1]))}."


def _best(here: Opened) -> int | None:
    if here.figures is None:
        return None
    known = [one for one in here.figures.standings if one.passes.value is not None]
    return max(known, key=lambda one: one.passes.value or 0).place if known else None
