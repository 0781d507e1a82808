"""What the next page says once: the words of a deed that led to it, in a signed cookie.

Small news that may be missed; what must not be missed stands on the page itself.
"""

import base64
import hmac

from fastapi import Request
from fastapi.responses import Response

from app.core import secrets
from app.settings import settings

SECONDS = 60
LONGEST = 300
MAC_BYTES = 16


def cookie_name() -> str:
    """Like the session's: behind https browsers refuse weaker ones, loopback ports differ."""
    return "__Host-luthier-toast" if settings().is_https else f"luthier-toast-{settings().port}"


def keep(answer: Response, words: str) -> None:
    """Let the page that comes next say `words`, if it comes within a minute."""
    plain = words[:LONGEST].encode()
    value = base64.urlsafe_b64encode(_mac(plain) + plain).decode()
    answer.set_cookie(
        cookie_name(), value, SECONDS, secure=settings().is_https, httponly=True, samesite="lax"
    )


def take(request: Request) -> str:
    """The words that were kept for this browser; empty when there are none, or not ours."""
    try:
        kept = base64.urlsafe_b64decode(request.cookies.get(cookie_name(), ""))
        mac, plain = kept[:MAC_BYTES], kept[MAC_BYTES:]
        return plain.decode() if hmac.compare_digest(mac, _mac(plain)) else ""
    except ValueError:
        return ""


def forget(answer: Response) -> None:
    """They were said."""
    answer.delete_cookie(cookie_name(), secure=settings().is_https, httponly=True, samesite="lax")


def _mac(plain: bytes) -> bytes:
    return hmac.digest(secrets.derive("toast"), plain, "sha256")[:MAC_BYTES]
