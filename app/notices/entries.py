"""The dates of a project as entries of a calendar."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time

from app.core import secrets
from app.notices.ics import Entry
from app.notices.models import WatchedDate
from app.notices.occasions import Occasion
from app.projects.models import Project

UID_LENGTH = 32


def entries(
    dates: Sequence[Occasion],
    known: Mapping[str, WatchedDate],
    moment: datetime,
    *,
    project: Project,
    url: str,
) -> tuple[Entry, ...]:
    """Each date as an all-day entry; the same date has the same uid for every member of a project,
    on whatever day it falls.
    """
    return tuple(_entry(one, known.get(one.key), moment, project, url) for one in dates)


def _entry(
    one: Occasion, known: WatchedDate | None, moment: datetime, project: Project, url: str
) -> Entry:
    sequence, changed_at = _version(one, known, moment)
    return Entry(
        uid=_uid(project, one.key),
        day=one.day,
        title=one.title,
        description=_description(one, moment),
        url=url,
        sequence=sequence,
        changed_at=changed_at,
    )


def _uid(project: Project, key: str) -> str:
    """The same for as long as there is the project: on another address, with another secret, from a
    backup.
    """
    made = f"{project.id} {project.created_at.isoformat()} {key}"
    return f"{secrets.fingerprint(made)[:UID_LENGTH]}@luthier"


def _description(one: Occasion, moment: datetime) -> str:
    age = (moment.date() - one.read_on).days
    read = f"{one.read_on.day} {one.read_on:%B %Y}"
    lines = [
        one.text,
        f"Hangs on it: {one.depends}." if one.depends else "Nothing of this project hangs on it.",
        f"Source: {one.source}, read on {read}{_ago(age)}.",
        one.source_url,
    ]
    return "\n".join(line for line in lines if line)


def _ago(days: int) -> str:
    if days < 1:
        return ""
    return ", 1 day ago" if days == 1 else f", {days:,} days ago"


def _version(one: Occasion, known: WatchedDate | None, moment: datetime) -> tuple[int, datetime]:
    """How often the date has moved, and when last. A move that no worker has seen yet counts too,
    as of this midnight: the calendar is the same each time it is asked for.
    """
    today = datetime.combine(moment.date(), time(), UTC)
    if known is None:
        return 0, min(datetime.combine(one.read_on, time(), UTC), today)
    if known.day != one.day:
        return known.changes + 1, max(today, known.changed_at)
    return known.changes, known.changed_at
