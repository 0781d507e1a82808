"""The instance's secret: one 32-byte root, a separate derived key for every purpose."""

import base64
import hmac
import os
import secrets as random
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import settings

ROOT_BYTES = 32
NONCE_BYTES = 12


class SecretUnusable(RuntimeError):
    """The instance's secret is missing, too short or unreadable."""


class SealBroken(Exception):
    """What was sealed cannot be opened: another secret, another purpose, or changed bytes."""


@lru_cache
def _root() -> bytes:
    given = settings().secret
    text = given.get_secret_value() if given else _kept(settings().home / "secret")
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


def _kept(path: Path) -> str:
    """Read the secret's file, or make it once, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = base64.urlsafe_b64encode(random.token_bytes(ROOT_BYTES)).decode()
    draft = path.with_name(f".secret-{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(fresh)
        os.link(draft, path)  # whole or not at all, and the first of two processes wins
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()


def derive(label: str) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869) of the root with the label as info."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"luthier {label}".encode()).derive(
        _root()
    )


def instance_id() -> str:
    """A short public name of this instance, the same for as long as its secret is: it tags what we
    start.
    """
    return derive("instance").hex()[:16]


def seal(plain: str, *, aad: str) -> bytes:
    """Encrypt with AES-256-GCM, bound to `aad`: opened with any other `aad` it fails."""
    nonce = random.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(derive("seal")).encrypt(nonce, plain.encode(), aad.encode())


def unseal(sealed: bytes, *, aad: str) -> str:
    """The text `seal` was given. Raises SealBroken when secret, `aad` or bytes differ."""
    try:
        return (
            AESGCM(derive("seal"))
            .decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad.encode())
            .decode()
        )
    except InvalidTag as error:
        raise SealBroken("This was sealed with another secret or for another address.") from error


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
