"""The price book as JSON, with the owner's changes."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from app.auth.access import InstanceOwner, Myself
from app.catalog import owners_prices
from app.catalog.forms import OwnPrice, PriceKey
from app.catalog.prices import price_book
from app.catalog.prices_views import PriceResource, by_platform, price_resource
from app.core.api import Listing
from app.core.database import DbSession

router = APIRouter(prefix="/api/v1", tags=["prices"])


@router.get("/prices", name="api.prices.index")
def index(session: DbSession, _user: Myself) -> Listing[PriceResource]:
    """What training costs, by platform: the file's prices as the instance's owner has changed them.
    Of a platform's prices the first whose `model` fits a base model holds; where none fits, the
    price is unknown.
    """
    return _all(session)


@router.post("/prices", name="api.prices.say")
def say(session: DbSession, user: InstanceOwner, body: OwnPrice) -> Listing[PriceResource]:
    """Say a price, in every project, and get the book as it is then; `per_million` null says that
    nobody knows. Jobs that were asked for keep the price of their day. For the instance's owner.
    """
    owners_prices.say_price(
        session,
        user=user,
        profile=body.profile,
        model=body.model,
        per_million=body.per_million,
        why=body.why,
        source_url=body.source_url,
    )
    return _all(session)


@router.post("/prices/take-back", name="api.prices.take_back")
def take_back(session: DbSession, user: InstanceOwner, body: PriceKey) -> Listing[PriceResource]:
    """Take a price back: it is as the file has it, and unknown where the file has none. 409 where
    nobody said another. For the instance's owner.
    """
    owners_prices.take_back(session, user=user, profile=body.profile, model=body.model)
    return _all(session)


def _all(session: Session) -> Listing[PriceResource]:
    return Listing(
        data=[price_resource(one) for one in by_platform(price_book(session))], next=None
    )
