"""Places where a test lets this process die, as an operating system or a power cut would.

They are the crash points K1 to K14 of a paid start (docs/decisions/003-paid-starts.md), and stand
only in its steps, in the look for the run of an order, and in that for runs without a job.
"""

import os
import signal
from typing import Final

from app.settings import settings

PASS_BYTES: Final = 11


def checkpoint(name: str) -> None:
    """Die or stop here when a test says so, as LUTHIER_CRASH_AT: "K8" is kill -9 at the first pass,
    "K8@2" at the second, "K8:stop" SIGSTOP. Nothing otherwise.
    """
    asked = settings().crash_at
    if asked is not None:
        _crash(name, asked)


def _crash(name: str, asked: str) -> None:
    point, _, how = asked.partition(":")
    wanted, _, turn = point.partition("@")
    if name == wanted and _passes(name) == int(turn or 1):
        os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)


def _passes(name: str) -> int:
    """How often any process of this instance has come by, this time included. The process numbers
    are left in a file: for the test, and so that whoever takes over does not die of the same.
    """
    with (settings().home / f"crash-{name}").open("ab") as passes:
        passes.write(f"{os.getpid():10}\n".encode())
        passes.flush()
        return passes.tell() // PASS_BYTES
