"""The moments of a schedule, counted from where it began. Pure."""

from calendar import monthrange
from datetime import datetime, timedelta

from app.evaluations.drift.models import Every

STEPS = {Every.DAY: timedelta(days=1), Every.WEEK: timedelta(weeks=1)}


def following(begins_at: datetime, every: Every, moment: datetime) -> datetime:
    """The first moment after this one: however long nobody looked, it is one. Of months, the same
    day, or the last where a month has no such day.
    """
    if every is Every.MONTH:
        months = 12 * (moment.year - begins_at.year) + moment.month - begins_at.month
        found = _months_later(begins_at, max(months, 1))
        return found if found > moment else _months_later(begins_at, months + 1)
    return begins_at + max((moment - begins_at) // STEPS[every] + 1, 1) * STEPS[every]


def _months_later(begins_at: datetime, months: int) -> datetime:
    years, month = divmod(begins_at.month - 1 + months, 12)
    year = begins_at.year + years
    day = min(begins_at.day, monthrange(year, month + 1)[1])
    return begins_at.replace(year=year, month=month + 1, day=day)
