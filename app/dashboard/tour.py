"""The first steps: how far a project is on the way from rows to a model one can talk to."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.catalog import queries as catalog
from app.core.pages import Link
from app.datasets import queries as datasets
from app.jobs import queries as jobs
from app.jobs.models import ENDED, JobStatus

STEPS = 5
UPLOAD, CONFIGURE, WATCH, USE = range(2, STEPS + 1)


@dataclass(frozen=True, slots=True)
class Step:
    """The first of the five steps that is still to be done: 2 upload, 3 configure, 4 watch, 5 use.
    `url` leads to where it is done, `words` say that.
    """

    number: int
    name: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class TourView:
    """The slim bar. `url` is empty on the page where the step is done."""

    project_id: int
    step: Step
    is_here: bool
    back: str


def next_step(session: Session, project_id: int, link: Link) -> Step:
    """How far the project is, read from what there is in it."""
    models = catalog.models_of(session, project_id, after=None, limit=1)
    if models:
        url = link("models.try", model_id=models[0].id)
        return Step(USE, "Use", f"Talk to {models[0].name}", url)
    newest = jobs.jobs_of(session, project_id, after=None, limit=1)
    if newest and newest[0].status not in {*ENDED, JobStatus.VANISHED}:
        url = link("jobs.show", job_id=newest[0].id)
        return Step(WATCH, "Watch", f"Watch {newest[0].name}", url)
    if datasets.ready_versions(session, project_id, limit=1):
        return Step(CONFIGURE, "Configure", "Start a job", link("jobs.new", project_id=project_id))
    return Step(UPLOAD, "Upload", "Upload rows", link("datasets.index", project_id=project_id))
