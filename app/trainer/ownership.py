"""Ends a child with its parent: by the kernel on Linux, by end-of-file on a pipe anywhere."""

import ctypes
import os
import signal
import sys
import threading

OWNED = "LUTHIER_OWNED"
OWNER_PIPE = "LUTHIER_OWNER_PIPE"
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask for SIGTERM at the parent's death, if this process was started as owned."""
    pipe = os.environ.pop(OWNER_PIPE, None)
    if pipe is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_end_at_eof, args=(int(pipe),), daemon=True).start()


def _end_at_eof(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
