"""What is sealed of a webhook: the token its address ends in, and the secrets it is signed with.

Sealed with a key of their own purpose, and bound to the address they were made for.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from app.connections.models import Hook
from app.core import secrets

PURPOSE = "webhooks"
PATH = "/hooks/"
HINT_LENGTH = 4
# How long the secret before a rotation is still good: a delivery may be on its way.
OVERLAP = timedelta(hours=24)


def give_token(hook: Hook, token: str) -> None:
    """Let the webhook's address end in this token."""
    hook.fingerprint = secrets.fingerprint(token)
    hook.sealed_token = _seal(hook, "token", token)


def path_of(hook: Hook) -> str | None:
    """The path of the webhook's address; None when it was sealed with another secret."""
    with suppress(secrets.SealBroken):
        return PATH + _opened(hook, "token", hook.sealed_token)
    return None


def url_of(hook: Hook) -> str | None:
    """The address its provider calls, as it was told; None when it cannot be opened."""
    path = path_of(hook)
    return None if path is None else hook.address + path


def keep_secret(hook: Hook, secret: str, moment: datetime) -> None:
    """Sign with this one from now on; the one before is good for another day."""
    if hook.sealed_secret is not None:
        hook.sealed_old_secret, hook.old_until = hook.sealed_secret, moment + OVERLAP
    hook.sealed_secret = _seal(hook, "secret", secret)
    hook.secret_hint, hook.secret_set_at = secret[-HINT_LENGTH:], moment


def secrets_at(hook: Hook, moment: datetime) -> list[str]:
    """The secrets that a delivery may be signed with, newest first; none that cannot be opened."""
    old = hook.sealed_old_secret
    if hook.old_until is None or hook.old_until <= moment:
        old = None
    found = []
    for sealed in (hook.sealed_secret, old):
        if sealed is not None:
            with suppress(secrets.SealBroken):
                found.append(_opened(hook, "secret", sealed))
    return found


def opens(hook: Hook) -> bool:
    """False when the instance's secret is another one than it was sealed with."""
    with suppress(secrets.SealBroken):
        _opened(hook, "token", hook.sealed_token)
        if hook.sealed_secret is not None:
            _opened(hook, "secret", hook.sealed_secret)
        return True
    return False


def reseal(hook: Hook) -> None:
    """Seal it all with the instance's present secret. Raises SealBroken when it does not open."""
    hook.sealed_token = _again(hook, "token", hook.sealed_token)
    if hook.sealed_secret is not None:
        hook.sealed_secret = _again(hook, "secret", hook.sealed_secret)
    if hook.sealed_old_secret is not None:
        hook.sealed_old_secret = _again(hook, "secret", hook.sealed_old_secret)


def _again(hook: Hook, what: str, sealed: bytes) -> bytes:
    return _seal(hook, what, _opened(hook, what, sealed))


def _seal(hook: Hook, what: str, text: str) -> bytes:
    return secrets.seal(text, aad=_bound_to(hook, what), purpose=PURPOSE)


def _opened(hook: Hook, what: str, sealed: bytes) -> str:
    return secrets.unseal(sealed, aad=_bound_to(hook, what), purpose=PURPOSE)


def _bound_to(hook: Hook, what: str) -> str:
    return f"{what} of webhook {hook.fingerprint} of connection {hook.connection_id}"
