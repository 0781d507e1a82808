"""What the pages about endpoints show, and the API gives."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.auth.models import User
from app.core import clock, leases
from app.core.views import FormState
from app.notices.endpoints import queries
from app.notices.endpoints.forms import BOXES
from app.notices.listing import TOPICS
from app.notices.models import Delivery, DeliveryTry, Endpoint, EndpointKind, Topic
from app.notices.sending import queries as deliveries
from app.notices.sending.mailing import is_set_up
from app.notices.sending.service import PAUSES
from app.notices.sending.words import TEST_TITLE
from app.settings import settings

KINDS = {
    EndpointKind.WEBHOOK: "Signed webhook, for programs",
    EndpointKind.SLACK: "Slack's incoming webhook, and what takes the same",
}
PAGE = 25


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint; `state` is on, failing, off, or stopped, by Luthier with `stopped_words`."""

    id: int
    name: str
    kind: str
    address: str
    topics: tuple[str, ...]
    state: str
    stopped_words: str | None
    latest_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointsView:
    """Where a project's notices go, and the form for another place. `sender` is the address mail
    comes from, None while none is sent; `mail` is the latest to whoever looks.
    """

    project_id: int
    endpoints: tuple[EndpointRow, ...]
    kinds: tuple[tuple[str, str], ...]
    topics: tuple[tuple[str, str], ...]
    form: FormState
    topic: str
    email: str
    sender: str | None
    mail: "DeliveryRow | None"
    refused: str | None


@dataclass(frozen=True, slots=True)
class TryRow:
    """One try: the status and the beginning of the answer, or why there was none."""

    at: datetime
    milliseconds: int
    status: int | None
    answer: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message; `state` is delivered, waiting, again (at `next_at`), given_up or stuck."""

    id: int
    message_id: str
    title: str
    path: str | None
    created_at: datetime
    delivered_at: datetime | None
    next_at: datetime | None
    state: str
    words: str | None
    tries: tuple[TryRow, ...]


@dataclass(frozen=True, slots=True)
class EndpointView:
    """One endpoint with its log; `secret` is a fresh one's, shown this once."""

    project_id: int
    endpoint: EndpointRow
    is_signed: bool
    old_until: datetime | None
    created_at: datetime
    deliveries: tuple[DeliveryRow, ...]
    older: int | None
    most_tries: int
    topics: tuple[tuple[str, str], ...]
    form: FormState
    topic: str
    secret: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class EndpointResource:
    """An endpoint as the API gives it. `secret` is there when it was made or rotated, this once; a
    Slack address is never given back.
    """

    id: int
    name: str
    kind: str
    url: str
    topics: tuple[str, ...]
    is_on: bool
    failing_since: datetime | None
    stopped_words: str | None
    old_secret_until: datetime | None
    created_at: datetime
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryResource:
    """A message on its way to an endpoint, or arrived there, with every try."""

    id: int
    message_id: str
    type: str
    title: str
    state: str
    created_at: datetime
    delivered_at: datetime | None
    next_at: datetime | None
    words: str | None
    tries: tuple[TryRow, ...] = field(default=())


def index(
    session: Session, project_id: int, form: FormState, *, user: User, refused: str | None = None
) -> EndpointsView:
    """The page of a project's endpoints."""
    mail = queries.latest_mail(session, project_id, user.id)
    found = queries.endpoints_of(session, project_id)
    latest = queries.latest_deliveries(session, [one.id for one in found])
    return EndpointsView(
        project_id=project_id,
        endpoints=tuple(_row(one, latest.get(one.id)) for one in found),
        kinds=tuple((kind.value, words) for kind, words in KINDS.items()),
        topics=_topics(),
        form=form,
        topic=f"project:{project_id}",
        email=user.email,
        sender=settings().mail_from if is_set_up() else None,
        mail=delivery_rows(session, [mail])[0] if mail is not None else None,
        refused=refused,
    )


def fresh_form() -> FormState:
    """The empty form: everything is chosen."""
    return FormState(dict.fromkeys(BOXES, "yes"))


def show(
    session: Session,
    endpoint: Endpoint,
    *,
    form: FormState | None = None,
    secret: str | None = None,
    refused: str | None = None,
    after: int | None = None,
) -> EndpointView:
    """The page of one endpoint."""
    found = deliveries.deliveries_to(session, endpoint.id, after=after, limit=PAGE + 1)
    rows = delivery_rows(session, found[:PAGE])
    return EndpointView(
        project_id=endpoint.project_id,
        endpoint=_row(endpoint, found[0] if found else None),
        is_signed=endpoint.kind == EndpointKind.WEBHOOK,
        old_until=_old_until(session, endpoint),
        created_at=endpoint.created_at,
        deliveries=rows,
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        most_tries=len(PAUSES) + 1,
        topics=_topics(),
        form=form or _form_of(endpoint),
        topic=f"endpoint:{endpoint.id}",
        secret=secret,
        refused=refused,
    )


def delivery_rows(session: Session, found: Sequence[Delivery]) -> tuple[DeliveryRow, ...]:
    """These deliveries with their tries."""
    moment = clock.now(session)
    tries: dict[int, list[DeliveryTry]] = defaultdict(list)
    for one in deliveries.tries_of(session, [delivery.id for delivery in found]):
        tries[one.delivery_id].append(one)
    return tuple(_delivery(one, tries, moment) for one in found)


def resource(endpoint: Endpoint, secret: str | None = None) -> EndpointResource:
    """The endpoint as the API gives it."""
    return EndpointResource(
        id=endpoint.id,
        name=endpoint.name,
        kind=endpoint.kind,
        url=endpoint.address,
        topics=tuple(endpoint.topics),
        is_on=endpoint.stopped_at is None,
        failing_since=endpoint.failing_since,
        stopped_words=endpoint.stopped_words,
        old_secret_until=endpoint.old_until,
        created_at=endpoint.created_at,
        secret=secret,
    )


def delivery_resource(found: Delivery, row: DeliveryRow) -> DeliveryResource:
    """The delivery as the API gives it."""
    return DeliveryResource(
        id=row.id,
        message_id=row.message_id,
        type=found.notice.topic if found.notice is not None else "test",
        title=row.title,
        state=row.state,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        next_at=row.next_at,
        words=row.words,
        tries=row.tries,
    )


def _topics() -> tuple[tuple[str, str], ...]:
    return tuple((box, TOPICS[topic].capitalize()) for box, topic in BOXES.items())


def _old_until(session: Session, endpoint: Endpoint) -> datetime | None:
    until = endpoint.old_until
    return until if until is not None and until > clock.now(session) else None


def _form_of(endpoint: Endpoint) -> FormState:
    chosen = {box: "yes" for box, topic in BOXES.items() if topic in endpoint.topics}
    is_shown = endpoint.kind == EndpointKind.WEBHOOK
    return FormState({"name": endpoint.name, "url": endpoint.address if is_shown else "", **chosen})


def _row(endpoint: Endpoint, latest: Delivery | None) -> EndpointRow:
    state = "failing" if endpoint.failing_since is not None else "on"
    if endpoint.stopped_at is not None:
        state = "stopped" if endpoint.stopped_words else "off"
    return EndpointRow(
        id=endpoint.id,
        name=endpoint.name,
        kind=KINDS[EndpointKind(endpoint.kind)],
        address=endpoint.address,
        topics=tuple(TOPICS[topic] for topic in Topic if topic in endpoint.topics),
        state=state,
        stopped_words=endpoint.stopped_words,
        latest_at=latest.created_at if latest is not None else None,
    )


def _delivery(
    found: Delivery, tries: Mapping[int, Sequence[DeliveryTry]], moment: datetime
) -> DeliveryRow:
    return DeliveryRow(
        id=found.id,
        message_id=found.message_id,
        title=found.notice.title if found.notice is not None else TEST_TITLE,
        path=found.notice.path if found.notice is not None else None,
        created_at=found.created_at,
        delivered_at=found.delivered_at,
        next_at=found.due_at if found.tries else None,
        state=_state(found, moment),
        words=found.last_error,
        tries=tuple(
            TryRow(one.at, one.milliseconds, one.status, one.answer, one.problem)
            for one in tries.get(found.id, ())
        ),
    )


def _state(found: Delivery, moment: datetime) -> str:
    if found.due_at is None:
        return "delivered" if found.delivered_at is not None else "given_up"
    if leases.is_poisoned(found, moment):
        return "stuck"
    return "again" if found.tries else "waiting"
