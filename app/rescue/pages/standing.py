"""How a rescue stands, and what happens next, in sentences and figures; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from app.core.pages import number, size
from app.rescue.models import Kind, Rescue, RescuePart, Stage
from app.rescue.tallies import KindTally

ORDER = tuple(Stage)
# Below these the measured pace says nothing yet.
SECONDS_NEEDED, OBJECTS_NEEDED = 10.0, 20


@dataclass(frozen=True, slots=True)
class Sums:
    """A rescue's objects in one row. `size` bytes lie here, `announced` were named of what waits;
    `missing` will not come by itself.
    """

    found: int
    home: int
    waiting: int
    missing: int
    size: int
    announced: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What came in the last `seconds`; `file_bytes` of `objects` were files."""

    seconds: float
    objects: int
    file_bytes: int


def sums_of(tallies: Iterable[KindTally]) -> Sums:
    """All kinds together."""
    rows = [
        (one.found, one.home, one.waiting, missing_of(one), one.size, one.announced)
        for one in tallies
    ]
    return Sums(*map(sum, zip(*rows, strict=True))) if rows else Sums(0, 0, 0, 0, 0, 0)


def missing_of(tally: KindTally) -> int:
    """How many objects of these kinds will not come by themselves."""
    return tally.refused + tally.gone + tally.failed + tally.damaged


def stage_of(rescue: Rescue) -> Stage:
    """As far as the last of its parts is."""
    return min((Stage(part.stage) for part in rescue.parts), key=ORDER.index)


def is_paused(rescue: Rescue) -> bool:
    """True when nothing of it is at work because somebody said so."""
    open_ones = [part for part in rescue.parts if part.ended_at is None]
    return any(part.is_paused for part in open_ones) and all(
        part.is_paused or part.stage == Stage.LOOKED for part in open_ones
    )


def lead(rescue: Rescue, sums: Sums, evals: KindTally, evals_end: date | None, today: date) -> str:
    """The sentence that opens the page: how things stand, and what happens next."""
    stage = stage_of(rescue)
    found = objects(sums.found)
    home = f"{number(sums.home)} of {found} are home."
    if is_paused(rescue):
        return f"Paused. {home}"
    return {
        Stage.LOOKING: f"Looking around: {found} found so far.",
        Stage.LOOKED: f"{found} are there. {_what_waits(sums)}",
        Stage.FETCHING: f"{home} {_evals_first(evals, evals_end, today)}".strip(),
        Stage.VERIFYING: f"{home} Now every byte of them is read again.",
        Stage.USING: f"{home} Now jobs, datasets and models are made of them.",
        Stage.DONE: _ended(rescue, sums),
    }[stage]


def _what_waits(sums: Sums) -> str:
    if not sums.waiting:
        return "All that can be had is home with the lists themselves."
    told = f", {size(sums.announced)} as announced" if sums.announced else ""
    return f"{number(sums.waiting)} are still to be fetched{told}."


def _evals_first(evals: KindTally, end: date | None, today: date) -> str:
    if not evals.found:
        return ""
    left = days_left(end, today) if end is not None else ""
    why = f": they close {left}" if left else ""
    if evals.waiting:
        return f"Evals go first{why}; {number(evals.waiting)} of their objects are still to come."
    whole = "every one of them" if evals.home == evals.found else "all that was given"
    return f"Evals went first{why}, and {whole} is here."


def days_left(end: date, today: date) -> str:
    """in 8 days, tomorrow, today; empty once it is over."""
    days = (end - today).days
    if days < 0:
        return ""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days:,} days")


def _ended(rescue: Rescue, sums: Sums) -> str:
    if any(part.fetched_at is None for part in rescue.parts):
        return "It looked around only; a later rescue went on from there."
    if not sums.found:
        return "Nothing was found there: no evals, models, jobs or files that this key may see."
    if sums.home == sums.found:
        return f"All {objects(sums.found)} are home, {size(sums.size)}, every byte read again."
    home = f"{number(sums.home)} of {objects(sums.found)} are home, {size(sums.size)}."
    if sums.missing:
        home += f" {number(sums.missing)} could not be had; the manifest has the reason of each."
    if sums.waiting:
        home += f" {number(sums.waiting)} more were found since, by another rescue."
    return home


def seconds_left(sums: Sums, measured: Measured) -> float | None:
    """How long fetching still takes at the pace of the last minutes; None where too little was
    measured: no files yet, say, while most of what waits is files.
    """
    if measured.seconds < SECONDS_NEEDED or measured.objects < OBJECTS_NEEDED:
        return None
    by_count = sums.waiting * measured.seconds / measured.objects
    if not sums.announced:
        return by_count
    if not measured.file_bytes:
        return None
    return max(by_count, sums.announced * measured.seconds / measured.file_bytes)


def part_words(part: RescuePart) -> str:
    """How one connection's part stands."""
    if part.is_paused:
        return "Paused."
    if part.words and part.ended_at is None:
        return "Stands still: see above."
    return {
        Stage.LOOKING: "Looking around.",
        Stage.LOOKED: "Looked around; the rest is fetched once somebody says so.",
        Stage.FETCHING: "Fetching.",
        Stage.VERIFYING: "Reading every byte again.",
        Stage.USING: "Making jobs, datasets and models of what came.",
        Stage.DONE: "Done.",
    }[Stage(part.stage)]


def evals_of(tallies: Sequence[KindTally]) -> KindTally:
    """The row of evals."""
    return next(one for one in tallies if Kind.EVAL in one.kinds)


def objects(count: int) -> str:
    """Their number with the word."""
    return f"{number(count)} object{'' if count == 1 else 's'}"
