"""Where else notices go, as JSON."""

from fastapi import APIRouter
from fastapi.responses import Response

from app.auth.access import CurrentUser
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession
from app.notices.endpoints import queries, service
from app.notices.endpoints.access import ManagedDelivery, ManagedEndpoint
from app.notices.endpoints.forms import EndpointChange, EndpointForm, RotateForm
from app.notices.endpoints.views import (
    DeliveryResource,
    EndpointResource,
    delivery_resource,
    delivery_rows,
    resource,
)
from app.notices.models import Delivery
from app.notices.sending import queries as deliveries
from app.notices.sending.service import send_again
from app.projects.access import ManagedProject

router = APIRouter(prefix="/api/v1", tags=["webhooks"])


@router.get("/projects/{project_id}/webhooks", name="api.endpoints.index")
def index(
    session: DbSession, project: ManagedProject, after: After = None, limit: Limit = 50
) -> Listing[EndpointResource]:
    """Where a project's notices are sent: signed webhooks, and Slack's."""
    rows = queries.endpoints_of(session, project.id, after=after, limit=limit + 1)
    return listing(rows, limit, resource)


@router.post("/projects/{project_id}/webhooks", name="api.endpoints.create", status_code=201)
def create(
    session: DbSession, user: CurrentUser, project: ManagedProject, body: EndpointForm
) -> EndpointResource:
    """Send notices to another address. The answer holds the signing secret, this once."""
    made, secret = service.create_endpoint(
        session,
        project_id=project.id,
        actor_id=user.id,
        name=body.name,
        kind=body.kind,
        url=body.url.get_secret_value(),
        topics=body.topics,
    )
    return resource(made, secret)


@router.get("/webhooks/{endpoint_id}", name="api.endpoints.show")
def show(endpoint: ManagedEndpoint) -> EndpointResource:
    """One of them."""
    return resource(endpoint)


@router.patch("/webhooks/{endpoint_id}", name="api.endpoints.change")
def change(
    session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint, body: EndpointChange
) -> EndpointResource:
    """Rename it, move it, choose other topics, or switch it on or off; what is left out stays."""
    service.change_endpoint(
        session,
        endpoint,
        actor_id=user.id,
        name=body.name,
        url=body.url.get_secret_value() if body.url else None,
        topics=body.topics,
        is_on=body.is_on,
    )
    return resource(endpoint)


@router.delete("/webhooks/{endpoint_id}", name="api.endpoints.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint) -> Response:
    """Send nothing there any more, and forget the log."""
    service.delete_endpoint(session, endpoint, actor_id=user.id)
    return Response(status_code=204)


@router.post("/webhooks/{endpoint_id}/rotate", name="api.endpoints.rotate")
def rotate(
    session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint, body: RotateForm
) -> EndpointResource:
    """A new signing secret, in the answer this once. The old one signs beside it for a day unless
    `keeps_old` is false; 409 for Slack's, which have none.
    """
    secret = service.rotate_secret(session, endpoint, actor_id=user.id, keeps_old=body.keeps_old)
    return resource(endpoint, secret)


@router.post("/webhooks/{endpoint_id}/test", name="api.endpoints.test", status_code=202)
def test(session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint) -> DeliveryResource:
    """Send a test; its delivery says what became of it. Ten a minute."""
    return _told(session, service.send_test(session, endpoint, actor_id=user.id))


@router.get("/webhooks/{endpoint_id}/deliveries", name="api.endpoints.deliveries")
def log(
    session: DbSession, endpoint: ManagedEndpoint, after: After = None, limit: Limit = 50
) -> Listing[DeliveryResource]:
    """What was sent there in the last 30 days, the latest first, with every try."""
    found = deliveries.deliveries_to(session, endpoint.id, after=after, limit=limit + 1)
    told = {row.id: row for row in delivery_rows(session, found)}
    return listing(found, limit, lambda one: delivery_resource(one, told[one.id]))


@router.post("/deliveries/{delivery_id}/again", name="api.deliveries.again", status_code=202)
def again(session: DbSession, user: CurrentUser, delivery: ManagedDelivery) -> DeliveryResource:
    """Send one once more, with the id it had; 409 while it is on its way."""
    send_again(session, delivery, actor_id=user.id)
    return _told(session, delivery)


def _told(session: DbSession, found: Delivery) -> DeliveryResource:
    whole = queries.delivery_by_id(session, found.id)
    assert whole is not None  # noqa: S101 - this unit of work made it
    (row,) = delivery_rows(session, [whole])
    return delivery_resource(whole, row)
