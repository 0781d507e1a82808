"""Processes that end together: no child outlives its parent, no orphan escapes its ancestor."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

OWNED = "LUTHIER_OWNED"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PARENT_CHECK_SECONDS = 1.0

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def tie_to_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux only).

    The wish survives exec. `parent` is the process number expected: one that died before the call
    is noticed too.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def end_with_parent(**_: object) -> None:
    """End when the parent does. Does nothing in a process that no supervisor owns."""
    if os.environ.get(OWNED) != "1":
        return
    if _prctl is not None:
        tie_to_parent(os.getppid())
    else:
        threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def inherit_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none can hide (Linux)."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> list[int]:
    """Process numbers below `root`, read from /proc; empty where there is none."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may itself hold spaces and brackets.
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def reap_orphans(own: Container[int | None]) -> None:
    """Collect the ended processes we inherited; those in `own` are left to whoever started them."""
    if _prctl is None:
        return
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in own:
                return
            os.waitpid(ended.si_pid, 0)
