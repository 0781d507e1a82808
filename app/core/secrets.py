"""The instance's secret: one 32-byte root, a separate derived key for every purpose."""

import base64
import hmac
import os
import secrets as random
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import ProductError
from app.settings import settings

ROOT_BYTES = 32
NONCE_BYTES = 12


class SecretUnusable(ProductError):
    """The instance's secret is missing, too short or unreadable."""

    status = 503


class SealBroken(Exception):
    """What was sealed cannot be opened: another secret, another purpose, or changed bytes."""


@lru_cache
def _ring() -> tuple[bytes, ...]:
    """The roots: the first seals and derives; those behind it, of a rotation, only open."""
    given, older = settings().secret, settings().old_secret
    if given is None:
        texts = _kept(_path()).split()
    else:
        texts = [one.get_secret_value() for one in (given, older) if one is not None]
    return tuple(_root(text) for text in texts or [""])


def _root(text: str) -> bytes:
    try:
        root = base64.urlsafe_b64decode(text.strip())
    except ValueError as error:
        raise SecretUnusable(
            "The instance secret is not base64. Make one with `openssl rand -base64 32`."
        ) from error
    if len(root) < ROOT_BYTES or len(set(root)) < ROOT_BYTES // 4:
        raise SecretUnusable(
            "The instance secret is too short or not random. Try `openssl rand -base64 32`."
        )
    return root


def _path() -> Path:
    return settings().home / "secret"


def require() -> None:
    """Raise SecretUnusable now, not when something is to be sealed."""
    _ring()


def _kept(path: Path) -> str:
    """Read the secret's file, or make it once, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(_fresh())
    try:
        os.link(draft, path)  # whole or not at all, and the first of two processes wins
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()


def _fresh() -> str:
    return base64.urlsafe_b64encode(random.token_bytes(ROOT_BYTES)).decode()


def _draft(text: str) -> Path:
    """The text in a file beside the secret's, on disk before it takes that one's place."""
    draft = _path().with_name(f".secret-{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _read_again() -> None:
    """Another process may have rotated the secret since this one read it."""
    if settings().secret is None and _path().exists():
        _ring.cache_clear()


def begin_rotation() -> None:
    """Put a fresh secret before the present one: from now on it seals, and both open. One that was
    begun earlier is gone on with. Raises SecretUnusable when the secret is not in its file and
    LUTHIER_OLD_SECRET does not say what it was.
    """
    if settings().secret is None:
        _read_again()
        if len(_ring()) == 1:
            old = _kept(_path()).strip()
            _draft(f"{_fresh()}\n{old}\n").replace(_path())
            _ring.cache_clear()
    elif settings().old_secret is None:
        raise SecretUnusable(
            "The secret comes from LUTHIER_SECRET: put it into LUTHIER_OLD_SECRET, a fresh one "
            "(`openssl rand -base64 32`) into LUTHIER_SECRET, restart every process with both, "
            "and run this once more."
        )


def end_rotation() -> None:
    """Forget the old secret, once nothing is sealed with it any more."""
    if settings().secret is None:
        _draft(f"{_kept(_path()).split()[0]}\n").replace(_path())
        _ring.cache_clear()


def derive(label: str) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869) of the root with the label as info."""
    return _derived(_ring()[0], label)


def _derived(root: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"luthier {label}".encode()).derive(
        root
    )


def instance_id() -> str:
    """A short public name of this instance, the same for as long as its secret is: it tags what we
    start.
    """
    return derive("instance").hex()[:16]


def seal(plain: str, *, aad: str, purpose: str = "seal") -> bytes:
    """Encrypt with AES-256-GCM, bound to `aad`: opened with any other `aad` it fails. Every
    `purpose` has a key of its own.
    """
    _read_again()
    nonce = random.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(derive(purpose)).encrypt(nonce, plain.encode(), aad.encode())


def unseal(sealed: bytes, *, aad: str, purpose: str = "seal") -> str:
    """The text `seal` was given. Raises SealBroken when secret, purpose, `aad` or bytes differ."""
    known = _ring()
    for root in known:
        with suppress(InvalidTag):
            return _opened(root, sealed, aad, purpose)
    _read_again()
    for root in _ring():
        if root not in known:
            with suppress(InvalidTag):
                return _opened(root, sealed, aad, purpose)
    raise SealBroken("This was sealed with another secret or for another address.")


def _opened(root: bytes, sealed: bytes, aad: str, purpose: str) -> str:
    key = AESGCM(_derived(root, purpose))
    return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad.encode()).decode()


def new_token(prefix: str = "") -> str:
    """A bearer secret of 256 random bits; only its `fingerprint` is ever stored."""
    return prefix + random.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What the database keeps of a token. A plain hash is enough: the token itself is 256 random
    bits.
    """
    return sha256(token.encode()).hexdigest()


def is_same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
