"""Where the lists of a look are being read: each is walked page by page, pass by pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from app.providers.base import Archive, ArchivePage
from app.rescue.models import Kind
from app.rescue.work.asking import CIRCLE, MOST_PASSES

# What cannot be seen where a list cannot.
KINDS_OF = {
    Archive.EVALS: (Kind.EVAL, Kind.EVAL_RUN, Kind.EVAL_ITEMS),
    Archive.EVAL_RUNS: (Kind.EVAL_RUN, Kind.EVAL_ITEMS),
    Archive.MODELS: (Kind.MODEL,),
    Archive.JOBS: (Kind.JOB, Kind.JOB_EVENTS, Kind.CHECKPOINTS),
    Archive.FILES: (Kind.FILE,),
    Archive.COMPLETIONS: (Kind.COMPLETION,),
}

# By kind: what cannot be seen, and why, as the part keeps it.
Unseen = dict[str, dict[str, str]]


@dataclass
class Walk:
    """Where one list is being read. It is walked again until a pass brings nothing new, as objects
    move between pages; `mark` is a cursor that shows when it goes in circles.
    """

    archive: Archive
    parents: list[str] = field(default_factory=list)
    cursor: str | None = None
    pages: int = 0
    new: int = 0
    passes: int = 1
    beginnings: int = 1
    tries: int = 0
    mark: str | None = None

    def begin_anew(self) -> None:
        """Its place is lost: the object there is gone."""
        self.cursor = self.mark = None
        self.beginnings += 1

    def unseen(self, words: str) -> Unseen:
        return {kind: {"words": words} for kind in KINDS_OF[self.archive]}


@dataclass
class Look:
    """How far a look is: how many groups of first lists were begun, the walks that are out, and by
    kind the last object whose lists were begun.
    """

    begun: int = 0
    walks: list[Walk] = field(default_factory=list)
    behind: dict[str, int] = field(default_factory=dict)
    outages: int = 0

    @classmethod
    def read(cls, place: Mapping[str, Any]) -> Self:
        """From what `asdict` made of it."""
        walks = [
            Walk(**{**walk, "archive": Archive(walk["archive"])}) for walk in place.get("walks", ())
        ]
        return cls(**{**place, "walks": walks})

    def go_on(self, walk: Walk, page: ArchivePage, new: int) -> Unseen:
        """Move a walk behind its page, of which so much was new; at the end of a pass begin another
        or leave it.
        """
        self.outages = 0
        walk.pages, walk.new, walk.tries = walk.pages + 1, walk.new + new, 0
        walk.cursor = page.cursor
        if walk.cursor is None:
            if walk.pages > 1 and walk.new and walk.passes < MOST_PASSES:
                walk.passes, walk.pages, walk.new, walk.mark = walk.passes + 1, 0, 0, None
            else:
                self.walks.remove(walk)
        elif walk.cursor == walk.mark:
            return self.leave(walk, CIRCLE)
        elif walk.pages & (walk.pages - 1) == 0:
            walk.mark = walk.cursor
        return {}

    def leave(self, walk: Walk, words: str) -> Unseen:
        """A list cannot be read on."""
        self.walks.remove(walk)
        return walk.unseen(words)
