"""What the home page of a project shows: what needs a person, what runs, what was made."""

from dataclasses import dataclass
from datetime import datetime

from app.catalog.strip import StopsView
from app.core.list_views import ListView
from app.dashboard.tour import Step
from app.jobs.charts import SparkPaths


@dataclass(frozen=True, slots=True)
class Need:
    """Something only a person can settle. `tone` is bad, warn, doubt or busy; `icon` a name of the
    sprite.
    """

    tone: str
    icon: str
    title: str
    text: str
    url: str
    action: str


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that has not ended. `step` and `steps` are None until the provider says them."""

    id: int
    name: str
    status: str
    base_model: str
    connection: str
    dataset: str | None
    dataset_number: int | None
    by: str
    step: int | None
    steps: int | None
    best_valid_loss: float | None
    train_loss: float | None
    left_seconds: float | None
    spark: SparkPaths | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: int
    name: str
    base_model: str
    job_id: int | None
    job_name: str | None
    best_valid_loss: float | None
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """One activity row in words: `who` did `what` to `subject`, and `more` of it, as a few words or
    empty. Luthier's own deeds have no initials.
    """

    who: str
    initials: str | None
    what: str
    subject: str
    url: str | None
    at: datetime
    more: str = ""


@dataclass(frozen=True, slots=True)
class ActivityView:
    """A page of what happened, the latest first. The first page refreshes itself on `topic`; the
    others have none.
    """

    project_id: int
    happenings: tuple[Happening, ...]
    list: ListView
    topic: str | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """`step` is the first of the five steps not done yet, None where the reader has put them away.
    `spark_top` is the upper end of the scale all curves of running jobs share, from 0; None where
    there is none. `topic` nudges when any job or dataset of the project changes.
    """

    project_id: int
    project_name: str
    can_edit: bool
    needs: tuple[Need, ...]
    running: tuple[RunningJob, ...]
    spark_top: float | None
    stops: StopsView | None
    models: tuple[ModelRow, ...]
    happenings: tuple[Happening, ...]
    step: Step | None
    topic: str


@dataclass(frozen=True, slots=True)
class SideView:
    """The side bar's counts; the slot asks again when anything of the project changes. `rescued` is
    the share of what the rescue at work found that waits no more, None while none works.
    """

    project_id: int
    running_jobs: int
    rescued: float | None
    topic: str
