"""Who may ask: named keys, kept as hashes in the trainer's home, and those of the environment.

Only the command line writes `keys.json`, only the server writes `keys-used.json`.
"""

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from app.trainer.folder import write_json

NAME = re.compile(r"[A-Za-z0-9][\w.@-]{0,63}", re.ASCII)
ENVIRONMENT = "environment"
DAY_SECONDS = 86_400


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: nobody can read it back. Times are Unix seconds."""

    name: str
    sha256: str
    created_at: int
    revoked_at: int | None = None


class KeyProblem(Exception):
    """A name that cannot be taken or is not there, in words."""


def create(home: Path, name: str) -> str:
    """A new key, shown this once. Raises KeyProblem: a name in the logs means one key for ever."""
    if not NAME.fullmatch(name) or name.startswith(ENVIRONMENT):
        raise KeyProblem(
            f"A key's name has letters, digits and . _ @ - and does not begin with '{ENVIRONMENT}'."
        )
    key = f"sk-luthier-{secrets.token_urlsafe(32)}"
    with _changing(home) as keys:
        if any(known.name == name for known in keys):
            raise KeyProblem(f"There is, or was, a key named {name}; choose another name.")
        keys.append(Key(name=name, sha256=_hash(key), created_at=int(time.time())))
    return key


def revoke(home: Path, name: str) -> None:
    """No longer accept the key of this name; a running server obeys at once. Raises KeyProblem."""
    with _changing(home) as keys:
        for place, known in enumerate(keys):
            if known.name == name and known.revoked_at is None:
                keys[place] = msgspec.structs.replace(known, revoked_at=int(time.time()))
                return
        raise KeyProblem(f"No key of {home} in use is named {name}.")


def known(home: Path) -> list[Key]:
    """Every key ever made, the oldest first."""
    try:
        return msgspec.json.decode((home / "keys.json").read_bytes(), type=list[Key])
    except FileNotFoundError:
        return []


def days_used(home: Path) -> dict[str, int]:
    """When each name was last used, in days since 1970, those of the environment included."""
    try:
        return msgspec.json.decode((home / "keys-used.json").read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}


class Keyring:
    """What the server knows of keys; a change of `keys.json` holds from the next request on."""

    def __init__(self, home: Path, given: Sequence[str]) -> None:
        self._home = home
        self._path = str(home / "keys.json")
        self._given = {
            _hash(key): ENVIRONMENT if not place else f"{ENVIRONMENT}-{place + 1}"
            for place, key in enumerate(given)
        }
        self._seen: tuple[int, int] | None = None
        self._names = self._given
        self._days = days_used(home)

    def owner(self, key: str) -> str | None:
        """The name of this key, or None: it is not known, or no longer."""
        self._look()
        # A key is found by its hash: the time taken says nothing about which one was nearly right.
        name = self._names.get(_hash(key))
        if name is not None:
            self._used(name)
        return name

    @property
    def is_empty(self) -> bool:
        """Whether nobody at all may ask."""
        self._look()
        return not self._names

    def _look(self) -> None:
        try:
            state = os.stat(self._path)  # noqa: PTH116 - for every request: a string is quicker
        except FileNotFoundError:
            seen = None
        else:
            seen = (state.st_ino, state.st_mtime_ns)
        if seen != self._seen:
            valid = (key for key in known(self._home) if key.revoked_at is None)
            self._names = self._given | {key.sha256: key.name for key in valid}
            self._seen = seen

    def _used(self, name: str) -> None:
        today = int(time.time()) // DAY_SECONDS
        if self._days.get(name) == today:
            return
        self._days[name] = today
        with suppress(OSError):  # a full disk keeps nobody out
            write_json(self._home / "keys-used.json", self._days, durable=False)


def _hash(key: str) -> str:
    """A random key of 256 bits needs neither salt nor slowness."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def _changing(home: Path) -> Iterator[list[Key]]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "keys.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = known(home)
        yield keys
        write_json(home / "keys.json", keys)
