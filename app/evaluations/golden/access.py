"""Load a recording, or the model to record, and check that the person may act on it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.catalog import queries as catalog
from app.catalog.models import TunedModel
from app.core.database import DbSession
from app.evaluations.golden import queries
from app.evaluations.golden.models import GoldenRecording
from app.projects.access import reach


@declares("spend")
def recorded_model(
    request: Request, session: DbSession, user: CurrentUser, model_id: PathId
) -> TunedModel:
    """The tuned model of the URL, for those who may have it asked."""
    return reach(request, session, user, catalog.model_by_id(session, model_id), "spend")


@declares("view")
def viewable_recording(
    request: Request, session: DbSession, user: CurrentUser, golden_id: PathId
) -> GoldenRecording:
    """The recording of the URL, for members of its project."""
    return reach(request, session, user, queries.recording_by_id(session, golden_id), "view")


@declares("spend")
def spendable_recording(
    request: Request, session: DbSession, user: CurrentUser, golden_id: PathId
) -> GoldenRecording:
    """The recording of the URL, for those who may hold another model against it."""
    return reach(request, session, user, queries.recording_by_id(session, golden_id), "spend")


RecordedModel = Annotated[TunedModel, Depends(recorded_model)]
CurrentRecording = Annotated[GoldenRecording, Depends(viewable_recording)]
SpendableRecording = Annotated[GoldenRecording, Depends(spendable_recording)]
