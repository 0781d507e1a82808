"""What people and the system ask of a training child, heard between its steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from app.trainer.folder import RunFolder

LOOK_SECONDS = 0.5


class Interrupted(BaseException):
    """Asked to end (SIGTERM): the run goes on at the next start."""


class Cancelled(BaseException):
    """A person cancelled the run."""


class Paused(BaseException):
    """A person paused the run."""


class Wishes:
    """What signals and `control.json` ask for: looked at between steps, by a timer otherwise."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._control = folder.path / "control.json"
        self._seen = 0
        self._is_terminated = False
        self._raises_at_once = False
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, self._terminate)

    def obey(self) -> None:
        """Raise Interrupted, Cancelled or Paused if that is wanted; the latter two once a wish."""
        if self._is_terminated:
            raise Interrupted
        try:
            changed = self._control.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._seen:
            return
        self._seen = changed
        wanted = self._folder.control()
        if wanted.cancel:
            raise Cancelled
        if wanted.pause:
            raise Paused

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, wishes break into whatever runs; only for work that can be begun again."""
        self._raises_at_once = True
        signal.signal(signal.SIGALRM, lambda *_: self.obey())
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._raises_at_once = False

    def _terminate(self, *_: object) -> None:
        self._is_terminated = True
        if self._raises_at_once:
            raise Interrupted
