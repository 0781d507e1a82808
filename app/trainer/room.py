"""Writes on a disk that may be full: done again until there is room."""

import errno
import time
from collections.abc import Callable

ROOM_SECONDS = 0.5
# The last is a limit on the size of files, which an administrator can lift as well.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def persistently(
    write: Callable[[], object], *, meanwhile: Callable[[], None], on_full: Callable[[], None]
) -> float:
    """Do a write that can be done again, and return the seconds that it waited for room.

    `on_full` is called when there is none, once; `meanwhile` between the tries, and may end them by
    raising.
    """
    began = 0.0
    while True:
        try:
            write()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        else:
            return time.monotonic() - began if began else 0.0
        if not began:
            began = time.monotonic()
            on_full()
        time.sleep(ROOM_SECONDS)
        meanwhile()
