"""A slice of comparing: pairs are put to the judge, and its replies kept."""

from dataclasses import dataclass

from app.core.database import unit_of_work
from app.evaluations.asking.asker import Asker
from app.evaluations.asking.slices import Brought, Claimed, Slice, ask_all
from app.evaluations.duels import work as working
from app.evaluations.duels.models import DuelsStatus
from app.evaluations.duels.work import Work
from app.graders.judge import Ask


@dataclass
class Pairs:
    """The pairs of a comparing as a book of questions."""

    work: Work

    def claim(self, *, behind: int, limit: int) -> Claimed[Ask]:
        with unit_of_work() as session:
            return working.claim_pairs(session, self.work, behind=behind, limit=limit)

    def record(self, brought: Brought[Ask]) -> bool:
        with unit_of_work() as session:
            row = working.record(session, self.work, brought)
        return row.status == DuelsStatus.RUNNING


def judge_pairs(work: Work) -> bool:
    """One slice; whether the comparing is over. Raises LeaseLost."""
    seen = Slice()
    with Asker(work.share) as asker:
        ask_all(asker, Pairs(work), seen)
    with unit_of_work() as session:
        return working.give_back(session, work, asker, seen)
