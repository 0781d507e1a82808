"""What jobs have to do with the days on which models stop: which of them hang on a model, and
whether a new one can still finish.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalog.belief import Dates, Said, all_dates, in_words
from app.catalog.stopping import AtWork, Dependant, base_of
from app.connections.models import Connection
from app.connections.service import capabilities_of
from app.core import clock
from app.core.errors import Conflict, FieldError
from app.jobs import queries
from app.jobs.models import Job

WARN_WITHIN = timedelta(days=180)
EVERY_MODEL = ("*",)


class Refusal(NamedTuple):
    """Why a job cannot be done in time, and whose day says so."""

    message: str
    said: Said

    def error(self) -> Conflict:
        """The refusal by field, with the day and its source for scripts."""
        said = self.said
        stop: Mapping[str, Any] = {
            "day": said.day.isoformat(),
            "origin": said.origin,
            "source": said.source,
            "source_url": said.source_url or None,
            "read_on": said.read_on.isoformat(),
        }
        wrong = FieldError("base_model", self.message)
        return Conflict(self.message, errors=[wrong], details={"stop": stop})


class Outlook(NamedTuple):
    """What the calendar says of a job: why it cannot be done in time, or what to know before it
    starts, each one sentence.
    """

    refusal: Refusal | None
    warnings: tuple[str, ...]


class Wish(NamedTuple):
    """A job as far as days are concerned: `billed_tokens` say how long it takes."""

    connection: Connection
    base_model: str
    billed_tokens: int | None


def outlook(session: Session, wish: Wish) -> Outlook:
    """Whether a job that started now could finish before its base model stops or its platform takes
    no more of them.
    """
    moment = clock.now(session)
    dates = all_dates(session, {wish.connection.id})
    refusal = _closed(wish, dates, moment) or _too_late(session, wish, dates, moment)
    return Outlook(refusal, () if refusal else tuple(_warnings(wish, dates, moment)))


def outlook_of(session: Session, job: Job, connection: Connection) -> Outlook:
    """The same of a job that is written down."""
    wish = Wish(connection, job.base_model, job.estimate.get("billed_tokens"))
    return outlook(session, wish)


def _closed(wish: Wish, dates: Dates, moment: datetime) -> Refusal | None:
    where = capabilities_of(wish.connection).label
    for said in dates.of_training(wish.connection, base_of(wish.base_model)):
        if not said.is_earliest and said.day < moment.date():
            words = f"{where} takes no new fine-tuning jobs since {in_words(said.day)}"
            return Refusal(f"{words} ({said.words}).", said)
    return None


def _too_late(session: Session, wish: Wish, dates: Dates, moment: datetime) -> Refusal | None:
    """On its last day a model may stop at any hour: a job that would end then is too late."""
    said = _base_day(wish, dates)
    if said is None or _is_trained_longer(wish, dates, said):
        return None
    where = f"{capabilities_of(wish.connection).label} ({said.words})"
    if said.day <= moment.date():
        verb = "stops today" if said.day == moment.date() else f"stopped on {in_words(said.day)}"
        return Refusal(f"{wish.base_model} {verb} at {where}.", said)
    speed = queries.speed_of(session, wish.connection.id, wish.base_model)
    if speed is None or wish.billed_tokens is None:
        return None
    ends = moment + timedelta(seconds=min(wish.billed_tokens / speed, WARN_WITHIN.total_seconds()))
    if ends.date() < said.day:
        return None
    words = f"It would end about {in_words(ends.date())}, and {wish.base_model} stops on"
    return Refusal(f"{words} {in_words(said.day)} at {where}.", said)


def _is_trained_longer(wish: Wish, dates: Dates, said: Said) -> bool:
    """Where the platform has a later day of its own for training on this very model."""
    found = dates.of_training(wish.connection, base_of(wish.base_model))
    own = (one for one in found if one.deadline and one.deadline.models != EVERY_MODEL)
    return any(one.day >= said.day for one in own)


def _warnings(wish: Wish, dates: Dates, moment: datetime) -> Sequence[str]:
    today, base = moment.date(), base_of(wish.base_model)
    where = capabilities_of(wish.connection).label
    found = [
        f"{where} may take no new jobs on {base} since {in_words(one.day)} ({one.words})."
        for one in dates.of_training(wish.connection, base)
        if one.is_earliest and one.day <= today
    ]
    said = _base_day(wish, dates)
    served = next(iter(dates.of_tuned(wish.connection, wish.base_model, base)), said)
    if said is not None and served is not None and said.day - today <= WARN_WITHIN:
        fate = (
            "what is tuned on it stops with it"
            if served.day == said.day
            else f"what is tuned on it is served until {in_words(served.day)}"
        )
        left = (said.day - today).days
        when = f"stops on {in_words(said.day)}, in {left} day{'s' if left != 1 else ''}"
        if left <= 0:
            when = f"stopped on {in_words(said.day)}"
        found.append(f"{base} {when}, at {where}: {fate} ({said.words}).")
    return found


def _base_day(wish: Wish, dates: Dates) -> Said | None:
    """A model that was tuned and is tuned on stops when it is no longer served."""
    base = base_of(wish.base_model)
    if base != wish.base_model:
        return next(iter(dates.of_tuned(wish.connection, wish.base_model, base)), None)
    return next(iter(dates.of_base(wish.connection, base)), None)


def at_work(session: Session, project_id: int) -> Sequence[AtWork]:
    """The jobs of a project that have not ended, by their model."""
    return [
        AtWork(connection_id, base, Dependant("job", job_id, name))
        for connection_id, base, job_id, name in queries.unended_by_model(session, project_id)
    ]


def saved(session: Session, project_id: int) -> Sequence[AtWork]:
    """The checkpoints of a project's jobs, by their model."""
    return [
        AtWork(connection_id, base, Dependant("checkpoints", job_id, name, count))
        for connection_id, base, job_id, name, count in queries.checkpoints_by_job(
            session, project_id
        )
    ]


def base_days(session: Session, jobs: Sequence[Job]) -> dict[tuple[int, str], Said]:
    """When the base models of jobs stop, where that is known, by connection and name."""
    accounts = {job.connection_id: job.connection for job in jobs}
    dates = all_dates(session, accounts)
    asked = {(job.connection_id, job.base_model) for job in jobs}
    said = {(one, name): dates.of_base(accounts[one], base_of(name)) for one, name in asked}
    return {key: found[0] for key, found in said.items() if found}
