"""What is reckoned of a run once, so that its pages need not: the evidence, and a line a case."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.leases import Leased
from app.core.orm import Base, Id

MISSING, WRONG, MIXED, RIGHT = "0123"
"""Marks, the worse the smaller: no answer, none passed, some repeats passed, all passed."""
NO_LABEL = "000"
"""A label that is none of the known ones; the known count from 001."""
LABEL_WIDTH = len(NO_LABEL)
LONGEST_SOUGHT = 1_000
"""So much of a text is looked through for words: all of it is as slow as it is long."""


class Report(Leased, Base):
    """The evidence of a run, as `figures.Figures` reads it; null until it is reckoned. `made_at` is
    when its board was drawn last. The lease is that of the reckoning.
    """

    __tablename__ = "run_reports"

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), unique=True
    )
    figures: Mapped[dict[str, Any] | None]
    made_at: Mapped[datetime | None]


class BoardCase(Base):
    """A case as a run's contestants stand in it. `marks` has a sign for each of them, in their
    order; `labels` three digits for each, the label it answered. `right` counts those who are.
    `question` is the beginning of what was asked; `words` are the beginnings of all that was asked,
    wanted and answered, in lower case: there they are looked for.
    """

    __tablename__ = "board_cases"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    marks: Mapped[str] = mapped_column(Text)
    labels: Mapped[str] = mapped_column(Text)
    right: Mapped[int]
    is_split: Mapped[bool]
