"""Carries one claimed message out, with no unit of work open."""

import time

from app.core.secrets import SealBroken
from app.core.signing import signed_headers
from app.notices.models import Delivery, Endpoint, EndpointKind
from app.notices.sending import mailing, posting, sealing, words
from app.notices.sending.outcomes import Outcome
from app.notices.sending.service import Sending

SENDER = "luthier"
PLAIN = {"content-type": "application/json", "user-agent": SENDER}


def carry(sending: Sending) -> Outcome:
    """Send it once, and say what became of it."""
    found, endpoint = sending.delivery, sending.delivery.endpoint
    if endpoint is None:
        return mailing.send(_mail(sending))
    try:
        if endpoint.kind == EndpointKind.SLACK:
            return posting.post(sealing.opened(endpoint), PLAIN, _slack(found, sending.project))
        return _signed(sending, endpoint)
    except SealBroken:
        return Outcome(0, problem=sealing.cure(endpoint))


def _mail(sending: Sending) -> words.Mail:
    found = sending.delivery
    assert found.user is not None  # noqa: S101 - it goes to an endpoint or to a person
    return words.as_mail(
        found.notice,
        to=found.user.email,
        project_id=found.project_id,
        project=sending.project,
        message_id=found.message_id,
        at=found.created_at,
    )


def _slack(found: Delivery, project: str) -> bytes:
    return words.as_slack(found.notice, project_id=found.project_id, project=project)


def _signed(sending: Sending, endpoint: Endpoint) -> Outcome:
    found = sending.delivery
    secrets = sealing.known_at(endpoint, sending.claimed_at)
    body = words.as_event(
        found.notice,
        project_id=found.project_id,
        project=sending.project,
        at=found.notice.at if found.notice is not None else found.created_at,
    )
    headers = signed_headers(found.message_id, body, secrets, time.time(), sender=SENDER)
    return posting.post(endpoint.address, headers, body)
