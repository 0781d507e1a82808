"""What training would cost before anything is asked for: a part of a version's report, and JSON."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.core.api import Listing
from app.core.database import DbSession
from app.core.pages import page
from app.datasets.access import CurrentVersion
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs.estimate_words import Price, cut_words, epochs_words, price_of, tokens_words
from app.jobs.estimates import Estimate
from app.jobs.estimating import Offer, offers_for
from app.jobs.forms import JobForm
from app.jobs.orders import check_form
from app.projects.access import SpendableProject, role_here

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["jobs"])

MOST_OFFERS = 50


@dataclass(frozen=True, slots=True)
class OfferRow:
    """What one base model costs. `tokens` are those of one pass."""

    connection_id: int
    connection: str
    base_model: str
    method: str
    tokens: int
    tokens_note: str
    cut: str | None
    epochs: int
    epochs_note: str | None
    price: Price


@dataclass(frozen=True, slots=True)
class OffersView:
    """The cheapest first; `more` have no place here."""

    project_id: int
    version_id: int
    rows: tuple[OfferRow, ...]
    more: int
    can_spend: bool


@dataclass(frozen=True, slots=True)
class OfferResource:
    """What training on a version would cost with one base model: auto epochs, no split."""

    connection_id: int
    base_model: str
    method: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class EstimateResource:
    """What a job would cost, and what is to be said before it starts."""

    estimate: Estimate
    warnings: list[str]


@router.get("/dataset-versions/{version_id}/estimates", name="jobs.estimates")
def estimates(request: Request, session: DbSession, version: CurrentVersion) -> Response:
    found = _offers(session, version)
    view = OffersView(
        project_id=version.project_id,
        version_id=version.id,
        rows=tuple(_row(offer) for offer in found[:MOST_OFFERS]),
        more=len(found[MOST_OFFERS:]),
        can_spend=role_here(request).may("spend"),
    )
    return page(request, "jobs/estimates.html", view)


@api.get("/dataset-versions/{version_id}/estimates", name="api.jobs.estimates")
def listed(session: DbSession, version: CurrentVersion) -> Listing[OfferResource]:
    """What training on a version would cost, for each base model of the project's connections that
    takes such rows: with auto epochs and no split, the cheapest first, unknown prices last. Of a
    version that is not ready the list is empty.
    """
    found = [
        OfferResource(one.connection.id, one.base_model, one.method, one.estimate)
        for one in _offers(session, version)
    ]
    return Listing(data=found, next=None)


@api.post("/projects/{project_id}/jobs/estimate", name="api.jobs.estimate")
def estimate(session: DbSession, project: SpendableProject, body: JobForm) -> EstimateResource:
    """What a job would cost, from the body that would start it; nothing is started or set aside.
    Refused as the start would be, except that the project's budget is not asked.
    """
    checked = check_form(session, project.id, body)
    return EstimateResource(checked.estimate, [*checked.warnings, *checked.about_rows])


def _offers(session: Session, version: DatasetVersion) -> list[Offer]:
    return offers_for(session, version) if version.status == VersionStatus.READY else []


def _row(offer: Offer) -> OfferRow:
    guess = offer.estimate
    return OfferRow(
        connection_id=offer.connection.id,
        connection=offer.connection.name,
        base_model=offer.base_model,
        method=offer.method,
        tokens=guess.tokens,
        tokens_note=tokens_words(guess),
        cut=cut_words(guess),
        epochs=guess.epochs,
        epochs_note=epochs_words(guess),
        price=price_of(guess),
    )
