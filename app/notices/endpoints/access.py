"""Load an endpoint or a delivery and check that the person may manage it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.notices.endpoints import queries
from app.notices.models import Delivery, Endpoint
from app.projects.access import reach


@declares("manage")
def managed_endpoint(
    request: Request, session: DbSession, user: CurrentUser, endpoint_id: PathId
) -> Endpoint:
    """The endpoint of the URL, for owners of its project."""
    found = queries.endpoint_by_id(session, endpoint_id)
    return reach(request, session, user, found, "manage")


@declares("manage")
def managed_delivery(
    request: Request, session: DbSession, user: CurrentUser, delivery_id: PathId
) -> Delivery:
    """The delivery of the URL, for owners of its project."""
    found = queries.delivery_by_id(session, delivery_id)
    return reach(request, session, user, found, "manage")


ManagedEndpoint = Annotated[Endpoint, Depends(managed_endpoint)]
ManagedDelivery = Annotated[Delivery, Depends(managed_delivery)]
