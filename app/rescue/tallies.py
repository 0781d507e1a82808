"""How far a rescue is: what was found, what is home, by kind."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.rescue import queries
from app.rescue.models import Kind, Outcome, Rescue


@dataclass(frozen=True, slots=True)
class KindTally:
    """Some kinds that a page shows as one line. `each` is how many were found of each of them.
    `size` are bytes that lie here, `announced` those the provider named of what waits; `words` say
    what cannot be listed at all, and why.
    """

    kinds: tuple[Kind, ...]
    label: str
    each: tuple[int, ...] = ()
    found: int = 0
    home: int = 0
    refused: int = 0
    gone: int = 0
    failed: int = 0
    damaged: int = 0
    waiting: int = 0
    size: int = 0
    announced: int = 0
    words: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """True when something was found and nothing waits any more."""
        return self.found > 0 and self.waiting == 0


# In the order of what is lost first.
LINES: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("Evals, runs, output items", (Kind.EVAL, Kind.EVAL_RUN, Kind.EVAL_ITEMS)),
    ("Tuned models", (Kind.MODEL,)),
    ("Jobs, events, checkpoints", (Kind.JOB, Kind.JOB_EVENTS, Kind.CHECKPOINTS, Kind.PERMISSIONS)),
    ("Training and result files", (Kind.FILE,)),
    ("Usage by model", (Kind.USAGE,)),
    ("Stored completions", (Kind.COMPLETION,)),
)


def tally(session: Session, rescue: Rescue) -> list[KindTally]:
    """What a rescue found and what became of it, in the lines of its page."""
    return _tallies(session, rescue, LINES)


def tally_by_kind(session: Session, rescue: Rescue) -> list[KindTally]:
    """The same with a line for each kind, named as the kind is."""
    lines = [(kind.value, (kind,)) for _, kinds in LINES for kind in kinds]
    return _tallies(session, rescue, lines)


def _tallies(
    session: Session, rescue: Rescue, lines: Iterable[tuple[str, tuple[Kind, ...]]]
) -> list[KindTally]:
    counted = queries.counts(session, [part.connection_id for part in rescue.parts])
    return [_line(rescue, counted, label, kinds) for label, kinds in lines]


def _line(
    rescue: Rescue,
    counted: Iterable[tuple[str, str, int, int, int]],
    label: str,
    kinds: Collection[Kind],
) -> KindTally:
    of_outcome, of_kind = dict.fromkeys(Outcome, 0), dict.fromkeys(kinds, 0)
    size = announced = 0
    for kind, outcome, number, bytes_here, bytes_told in counted:
        if kind in kinds:
            of_outcome[Outcome(outcome)] += number
            of_kind[Kind(kind)] += number
            size += bytes_here if outcome == Outcome.HOME else 0
            announced += bytes_told if outcome == Outcome.WAITING else 0
    told = (part.kinds.get(kind, {}).get("words") for part in rescue.parts for kind in kinds)
    return KindTally(
        kinds=tuple(kinds),
        label=label,
        each=tuple(of_kind.values()),
        found=sum(of_outcome.values()),
        home=of_outcome[Outcome.HOME],
        refused=of_outcome[Outcome.REFUSED],
        gone=of_outcome[Outcome.GONE],
        failed=of_outcome[Outcome.FAILED],
        damaged=of_outcome[Outcome.DAMAGED],
        waiting=of_outcome[Outcome.WAITING],
        size=size,
        announced=announced,
        words=tuple(dict.fromkeys(words for words in told if words)),
    )
