"""What is secret of an endpoint: a webhook's secret, a Slack URL."""

from collections.abc import Sequence
from datetime import datetime

from app.core import secrets
from app.notices.models import Endpoint, EndpointKind

UNREADABLE = "It was sealed with another secret of this instance and cannot be opened."
CURE = {
    EndpointKind.WEBHOOK: "Rotate the signing secret and give the new one to the receiver.",
    EndpointKind.SLACK: "Enter the Slack address again.",
}


def seal(endpoint: Endpoint, text: str) -> None:
    """Keep the secret; it opens for this row alone."""
    endpoint.sealed = secrets.seal(text, aad=_bound_to(endpoint))


def opened(endpoint: Endpoint) -> str:
    """The secret. Raises SealBroken when the instance has another one than it was sealed with."""
    return secrets.unseal(endpoint.sealed, aad=_bound_to(endpoint))


def known_at(endpoint: Endpoint, moment: datetime) -> Sequence[str]:
    """The signing secrets that a receiver may know at this moment, the newest first. Raises
    SealBroken.
    """
    found = [opened(endpoint)]
    is_old_known = endpoint.old_until is not None and moment < endpoint.old_until
    if endpoint.sealed_old is not None and is_old_known:
        found.append(secrets.unseal(endpoint.sealed_old, aad=_bound_to(endpoint)))
    return found


def cure(endpoint: Endpoint) -> str:
    """What a person does about a secret that does not open."""
    return f"{UNREADABLE} {CURE[EndpointKind(endpoint.kind)]}"


def reseal(endpoint: Endpoint) -> bool:
    """Seal with the instance's present secret; False when none opens it."""
    try:
        seal(endpoint, opened(endpoint))
        if endpoint.sealed_old is not None:
            old = secrets.unseal(endpoint.sealed_old, aad=_bound_to(endpoint))
            endpoint.sealed_old = secrets.seal(old, aad=_bound_to(endpoint))
    except secrets.SealBroken:
        return False
    return True


def _bound_to(endpoint: Endpoint) -> str:
    return f"notice endpoint {endpoint.id} {endpoint.kind}"
