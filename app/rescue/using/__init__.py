"""What came home becomes part of the project: files datasets, runs jobs with their curves, models.

Every step takes a few objects at a time, in a unit of work of their own that also says that they
are used: killed anywhere, it goes on behind the last of them, and nothing is made twice.
"""

import time
from collections.abc import Callable

from app.rescue.models import RescuePart
from app.rescue.using import curves, files, runs, tuned

# A step uses a few objects from behind an id, and says behind which the next are; None at the end.
Step = Callable[[RescuePart, int], int | None]

STEPS: tuple[Step, ...] = (
    files.use_files,
    runs.use_runs,
    curves.use_events,
    curves.use_checkpoints,
    curves.use_figures,
    tuned.use_models,
)


def use_next(part: RescuePart, seconds: float) -> bool:
    """Use what is home over the part's connection, for about so long. True when all of it is used.

    No unit of work may be open. Nobody is asked: everything is read from what lies here.
    """
    until = time.monotonic() + seconds
    for step in STEPS:
        place: int | None = 0
        while place is not None:
            if time.monotonic() > until:
                return False
            place = step(part, place)
    return True
