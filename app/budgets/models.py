"""A project's budget, and one row for each paid thing. Money is in whole millionths of a dollar."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, Id

USUAL_WARN_PERCENT = 80


class UnknownPrice(StrEnum):
    """What becomes of what nobody knows the price of, while there is a budget."""

    BLOCK = "block"
    ALLOW = "allow"


class SpendState(StrEnum):
    """Set aside, paid, or given back."""

    RESERVED = "reserved"
    SPENT = "spent"
    RELEASED = "released"


class Budget(Base):
    """What a project may spend in a calendar month of UTC. `monthly` is null when none is set.

    Its row is the lock under which money is set aside, so that many who start at once are counted
    one after the other.
    """

    __tablename__ = "budgets"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    monthly: Mapped[int | None]
    warn_percent: Mapped[int] = mapped_column(default=USUAL_WARN_PERCENT)
    unknown_price: Mapped[str] = mapped_column(String(8), default=UnknownPrice.BLOCK)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime]


class Spend(Base):
    """One paid thing and what it takes of the month it was ordered in, whether or not there is a
    budget: one that is set later counts what was before it.

    `key` names it (`job:12`), `subject` the thing whose page tells of it. `reserved` was set aside
    for it, `spent` is what it came to: null is unknown, which is not nothing. `is_open` where that
    is not counted from what the provider reported: a person may say what was billed. `words` say
    why.
    """

    __tablename__ = "spends"
    __table_args__ = (Index(None, "project_id", "month", "id"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(400), unique=True)
    subject: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    month: Mapped[date]
    state: Mapped[str] = mapped_column(String(16))
    reserved: Mapped[int | None]
    spent: Mapped[int | None]
    is_open: Mapped[bool] = mapped_column(default=False)
    words: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
