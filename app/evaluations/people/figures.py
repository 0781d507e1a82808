"""What the grades of a round come to: do people agree, and what do they say; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from app.evaluations.duels.wins import Outcome, Pair
from app.evidence.agreement import cohen, krippendorff
from app.evidence.base import Agreement, Estimate
from app.evidence.proportions import proportion

Labels = Mapping[int, Mapping[int, str]]
"""By the item's number and the person's id, without what was passed over."""
Places = Mapping[int, Sequence[int]]
"""By the item's number the places of those whose answer it is; of a duel the first's first."""


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """How two people agree, by their ids."""

    first: int
    second: int
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Concord:
    """Do people agree: `alpha` is Krippendorff's over everything that two or more graded."""

    shared: int
    alpha: float | None
    pairs: tuple[TwoPeople, ...]


@dataclass(frozen=True, slots=True)
class PlaceScore:
    """What people say of a contestant: how many of the answers with a verdict are good, and how
    often each label was the verdict. `split` counts those over which people are even.
    """

    place: int
    good: Estimate
    labels: Mapping[str, int]
    split: int


def verdict_of(labels: Sequence[str]) -> str | None:
    """What most say; None where nobody says anything or two labels are said as often."""
    counted = Counter(labels).most_common(2)
    if not counted or (len(counted) > 1 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]


def verdicts_of(said: Labels) -> dict[int, str | None]:
    """The verdict on each item that anybody graded."""
    return {number: verdict_of(list(by.values())) for number, by in said.items()}


def concord_of(said: Labels) -> Concord:
    """How those who graded the same things agree."""
    people = sorted({user_id for by in said.values() for user_id in by})
    rows = [[by.get(one) for one in people] for by in said.values()]
    shared = sum(len(by) > 1 for by in said.values())
    pairs = tuple(
        TwoPeople(first, second, found)
        for first, second in combinations(people, 2)
        if (
            found := cohen(
                [by.get(first) for by in said.values()], [by.get(second) for by in said.values()]
            )
        ).cases
    )
    return Concord(shared, krippendorff(rows), pairs)


def scores_of(said: Labels, places: Places, passing: Sequence[str]) -> list[PlaceScore]:
    """What people say of each contestant."""
    by_place: dict[int, list[str | None]] = defaultdict(list)
    for number, verdict in verdicts_of(said).items():
        for place in places[number]:
            by_place[place].append(verdict)
    return [_score(place, by_place[place], passing) for place in sorted(by_place)]


def _score(place: int, verdicts: Sequence[str | None], passing: Sequence[str]) -> PlaceScore:
    counted = Counter(one for one in verdicts if one is not None)
    good = sum(counted[label] for label in passing)
    return PlaceScore(place, proportion(good, counted.total()), counted, verdicts.count(None))


def outcomes_of(said: Labels, places: Places, items: int) -> Iterator[tuple[Pair, Outcome]]:
    """How each duel ended: people who are even over it make a tie, and so do answers that are the
    same, which stand behind the `items` that were shown. These count once all others are graded:
    before, there would be too many ties.
    """
    verdicts = verdicts_of(said)
    is_whole = len(verdicts) == items
    for number, (first, second) in places.items():
        if number > items and is_whole:
            yield (first, second), "tie"
        elif number in verdicts:
            yield (first, second), _outcome(verdicts[number])


def _outcome(verdict: str | None) -> Outcome:
    match verdict:
        case "first" | "second":
            return verdict
        case _:
            return "tie"
