"""A slice of asking: questions claimed some at a time, sent beside each other, and what comes of
them written down about twice a second.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol

from app.core.gather import gather
from app.evaluations.asking.asker import Asker
from app.evaluations.asking.questions import Answered, Came, Failed, Of, Question, Unsent
from app.providers.base import ProviderError, RequestRejected
from app.settings import settings

SLICES = 4  # of the usual length: each begins and ends with fewer requests on their way
RECORD_SECONDS, ALIVE_SECONDS = 0.5, 10.0
MOST_KNOWN = 250
# How long what was claimed may still wait for its turn when the time is up.
TURN_SECONDS = 2.0
# What fails may be asked again by then: a slice does not end before.
AGAIN_SECONDS = 2.0
# So many failures and no answer look like a provider that is away.
AWAY_AFTER = 24
# So many refusals and no answer are of the question's form, and not of single cases.
REFUSED_AFTER = 20


class Claimed(NamedTuple, Generic[Of]):
    """What may be asked; `is_capped` says that the cap leaves no room for more."""

    questions: list[Question[Of]]
    is_capped: bool = False

    @property
    def sent(self) -> list[Question[Of]]:
        """Those that are sent: the answers of the others are known."""
        return [one for one in self.questions if one.known is None]


class Brought(NamedTuple, Generic[Of]):
    """What is to be written down: what `came`, what was `known` already, and what was claimed and
    is `left`. Where the provider `is_away`, its failures count for no question.
    """

    came: list[Came[Of]]
    known: list[Question[Of]]
    left: list[Question[Of]]
    is_away: bool


class Book(Protocol[Of]):
    """Where questions come from and where it is written down what became of them, each in a unit of
    work of its own. Both raise LeaseLost.
    """

    def claim(self, *, behind: int, limit: int) -> Claimed[Of]:
        """The next questions behind the row of this id, written down as asked but for those whose
        answer is known; none when nothing is to be asked just now.
        """

    def record(self, brought: Brought[Of]) -> bool:
        """Keep what was brought, which may be nothing: whether asking goes on."""


@dataclass
class Slice:
    """What a slice has seen so far."""

    ends_at: float = field(
        default_factory=lambda: time.monotonic() + SLICES * settings().slice_seconds
    )
    behind: int = 0
    claimed: int = 0
    out: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    doubtful: list[Failed[Any]] = field(default_factory=list)
    known: list[Question[Any]] = field(default_factory=list)
    left: list[Question[Any]] = field(default_factory=list)
    kept_at: float = field(default_factory=time.monotonic)
    again_until: float = 0.0
    is_running: bool = True
    is_capped: bool = False
    held_seconds: float | None = None
    for_all: Failed[Any] | None = None
    last: ProviderError | None = None

    @property
    def is_away(self) -> bool:
        return not self.answered and self.failed >= AWAY_AFTER

    @property
    def is_refused(self) -> bool:
        return not self.answered and self.refused >= REFUSED_AFTER

    def may_bring_more(self) -> bool:
        """Whether what cannot be asked now may be soon."""
        return self.out > 0 or time.monotonic() < self.again_until

    def is_over(self) -> bool:
        """Whether nothing more should be asked for."""
        return self._is_stopped() or time.monotonic() > self.ends_at

    def must_end(self) -> bool:
        """Whether not even what waits for its turn should be sent."""
        return self._is_stopped() or time.monotonic() > self.ends_at + TURN_SECONDS

    def _is_stopped(self) -> bool:
        is_for_all = self.for_all is not None or self.held_seconds is not None
        return is_for_all or not self.is_running or self.is_away or self.is_refused


def ask_all(asker: Asker, book: Book[Of], seen: Slice) -> None:
    """Ask as long as the slice lasts, and once at least. Raises LeaseLost."""
    if asker.pace is not None:
        seen.ends_at += asker.pace.turn_seconds
    wanted = _wanted(asker, book, seen)
    batches = gather(asker.ask, wanted, at_once=asker.at_once, every=RECORD_SECONDS)
    with closing(batches):
        try:
            for batch in batches:
                _keep(asker, book, seen, batch)
        except BaseException:
            asker.stopped.set()  # whoever leaves early sends nothing more
            raise
    _keep(asker, book, seen, [], is_last=True)


def _wanted(asker: Asker, book: Book[Of], seen: Slice) -> Iterator[Question[Of] | None]:
    """What may be asked, over and over; None while only what is out, or was just refused, may bring
    more.
    """
    limit = max(asker.at_once // 2, 4)
    while not seen.is_over():
        is_all = not seen.behind
        claimed = book.claim(behind=seen.behind, limit=limit)
        seen.is_capped = claimed.is_capped
        yield from _sent(seen, claimed.questions)
        is_end = not claimed.questions
        if len(seen.known) >= MOST_KNOWN or (is_end and seen.known):
            _keep(asker, book, seen, [])
        if claimed.is_capped:
            return
        if is_end:
            seen.behind = 0
            if is_all and not seen.may_bring_more():
                return
            if is_all:
                yield None


def _sent(seen: Slice, questions: Sequence[Question[Of]]) -> Iterator[Question[Of]]:
    """Those that are sent, until the slice is over."""
    for place, one in enumerate(questions):
        seen.behind = one.row_id
        seen.claimed += 1
        if one.known is not None:
            seen.known.append(one)
        elif seen.is_over():
            seen.left += [left for left in questions[place:] if left.known is None]
            return
        else:
            seen.out += 1
            yield one


def _keep(
    asker: Asker,
    book: Book[Of],
    seen: Slice,
    batch: Sequence[Came[Of]],
    *,
    is_last: bool = False,
) -> None:
    """Write down what came. Nothing for a while is told too: the lease must not run out."""
    came = _sorted(seen, batch, is_last=is_last)
    if asker.pace is not None and any(isinstance(one, Unsent) for one in batch):
        seen.held_seconds = asker.pace.held_seconds
    is_quiet = not (came or seen.known or is_last or seen.must_end())
    if is_quiet and time.monotonic() - seen.kept_at < ALIVE_SECONDS:
        return
    known, seen.known, seen.kept_at = seen.known, [], time.monotonic()
    left = seen.left if is_last else []
    seen.is_running = book.record(Brought(came, known, left, seen.is_away))
    seen.behind = 0  # what was put off may be asked again
    if seen.must_end():
        asker.stopped.set()
    elif seen.answered:
        asker.agree()


def _sorted(seen: Slice, batch: Sequence[Came[Of]], *, is_last: bool) -> list[Came[Of]]:
    """What may be written down by now. Failures wait until it is known whether the provider answers
    anything at all.
    """
    found: list[Came[Of]] = []
    seen.out -= len(batch)
    for one in batch:
        if isinstance(one, Failed) and _is_doubtful(seen, one):
            seen.doubtful.append(one)
        else:
            seen.answered += isinstance(one, Answered)
            found.append(one)
    if seen.answered or is_last:
        found += seen.doubtful
        seen.doubtful = []
    return found


def _is_doubtful(seen: Slice, one: Failed[Any]) -> bool:
    """Whether it may say something of the provider rather than of the question."""
    seen.last = one.error
    if one.is_for_all:
        seen.for_all = seen.for_all or one
        return False
    if isinstance(one.error, RequestRejected):
        seen.refused += 1
        return False
    seen.failed += 1
    seen.again_until = time.monotonic() + settings().wait(AGAIN_SECONDS)
    return True
