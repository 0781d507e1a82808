"""Password hashing with argon2id, two at a time: each costs 64 MiB and a tenth of a second."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.core.errors import WrongInput

SHORTEST, LONGEST_BYTES = 12, 128
AT_ONCE = 2
_at_once = threading.BoundedSemaphore(AT_ONCE)
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
# A stranger's password is compared with this, so that it takes as long as a member's.
NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=1$AQA85mh+epdUxyovOA1YnQ$"
    "iGSVCfpqDlM00fFBiO5PWK/hAr2xvqkyMMg4qqvaIGE"
)


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
            return _hasher.verify(known or NOBODYS, normal) and known is not None
        except (VerifyMismatchError, InvalidHashError):
            return False


def renewed(known: str, password: str) -> str | None:
    """A hash of today's cost for a password that matched one of another cost; None when it is
    today's already.
    """
    if not _hasher.check_needs_rehash(known):
        return None
    with _at_once:
        return _hasher.hash(unicodedata.normalize("NFKC", password))
