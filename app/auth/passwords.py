"""Password hashing with argon2id, few at a time: each costs 64 MiB and a tenth of a second."""

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.core.errors import WrongInput

SHORTEST, LONGEST_BYTES = 12, 128
_at_once = threading.BoundedSemaphore(2)
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)


def accept(password: str) -> str:
    """The password in its normal form (NFKC). Raises WrongInput when too short, or too long to hash
    safely.
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < SHORTEST:
        raise WrongInput.field("password", f"At least {SHORTEST} characters.")
    if len(normal.encode()) > LONGEST_BYTES:
        raise WrongInput.field("password", f"At most {LONGEST_BYTES} bytes.")
    return normal


def hashed(password: str) -> str:
    """An argon2id hash of an accepted password. Slow on purpose: call it outside a unit of work."""
    with _at_once:
        return _hasher.hash(accept(password))


def matches(known: str | None, password: str) -> bool:
    """True when the password is the one hashed. Nobody's password takes as long as somebody's."""
    normal = unicodedata.normalize("NFKC", password)
    if len(normal.encode()) > LONGEST_BYTES:
        return False
    with _at_once:
        try:
            return _hasher.verify(known or _nobodys(), normal) and known is not None
        except (VerifyMismatchError, InvalidHashError):
            return False


@lru_cache
def _nobodys() -> str:
    return _hasher.hash("the password of an account that does not exist")
