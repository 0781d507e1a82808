"""A slice of comparing: pairs are put to the judge, its replies kept; no unit of work is open
while it is asked.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from app.connections import service as connections
from app.core.database import unit_of_work
from app.core.gather import gather
from app.evaluations.duels import work as working
from app.evaluations.duels.asking import Asking, ask_judge
from app.evaluations.duels.work import Work

AT_ONCE = 8
RECORD_SECONDS = 0.5


def judge_pairs(work: Work, *, seconds: float) -> None:
    """Ask for about `seconds`. Raises LeaseLost."""
    until = time.monotonic() + seconds
    with closing(connections.open_connection(work.connection)) as provider:
        ask = partial(ask_judge, provider, work.judge.model)
        wanted = _wanted(work, until)
        with closing(gather(ask, wanted, at_once=AT_ONCE, every=RECORD_SECONDS)) as batches:
            for batch in batches:
                with unit_of_work() as session:
                    working.record(session, work, batch)


def _wanted(work: Work, until: float) -> Iterator[Asking]:
    """What is to be asked, claimed some at a time, as long as the slice lasts."""
    while time.monotonic() < until:
        with unit_of_work() as session:
            found = working.claim_pairs(session, work, limit=AT_ONCE)
        if found is None:
            return
        yield from found
