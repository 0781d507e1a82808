"""The worst cases of a contestant whose training rows are known, and the rows nearest to each."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.leases import Leased
from app.core.orm import Base, Id
from app.datasets.models import DatasetVersion


class WorstList(Leased, Base):
    """What a contestant got wrong, the worst first. It is due once its run's report is made, until
    the nearest rows of the version it learned from are found for each of its `cases`.

    It is drawn anew where it is not `is_drawn`. `wrong` are all the cases it got wrong, `cases`
    those kept here, `looked` those whose rows are found; so many `rows` of the version were looked
    through. `base_place` counts from 1: whose right answers make a case worse.
    """

    __tablename__ = "worst_lists"

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), index=True
    )
    contestant_id: Mapped[int] = mapped_column(
        ForeignKey("contestants.id", ondelete="CASCADE"), unique=True
    )
    version_id: Mapped[int] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="CASCADE"), index=True
    )
    is_drawn: Mapped[bool]
    base_place: Mapped[int | None]
    wrong: Mapped[int] = mapped_column(default=0)
    cases: Mapped[int] = mapped_column(default=0)
    looked: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)

    version: Mapped[DatasetVersion] = relationship(lazy="raise")


class WorstCase(Base):
    """A case that the contestant got wrong: `place` 1 is the worst. `score` is the mean over its
    repeats, `is_lost` where the base had it right. `near` are the rows nearest to it as
    `saying.Neighbour`, `says` what they come to; both are empty until they are found.
    """

    __tablename__ = "worst_cases"
    __table_args__ = (Index(None, "list_id", "number"), Index(None, "run_id", "number"))

    list_id: Mapped[int] = mapped_column(
        ForeignKey("worst_lists.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_runs.id", ondelete="CASCADE"))
    number: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    score: Mapped[float]
    is_lost: Mapped[bool]
    likeness: Mapped[float | None]
    says: Mapped[str | None] = mapped_column(String(16))
    near: Mapped[list[Any]]
