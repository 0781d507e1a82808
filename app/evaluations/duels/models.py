"""Head to head by a judge: which pairs it is asked about, and what it said of each."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.evaluations.models import EvaluationRun, Questioned
from app.grading.models import GraderVersion


class DuelsStatus(StrEnum):
    """Where a judge is with its pairs. `paused_by` says who or what paused it."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class DuelStatus(StrEnum):
    """Where one question is: `asked` is on its way or was lost with its worker."""

    WAITING = "waiting"
    ASKED = "asked"
    JUDGED = "judged"
    FAILED = "failed"


class JudgedDuels(Leased, Base):
    """Pairs of a run's answers put to a judge once. `number` counts a run's from 1.

    The pairs follow from `seed` and never change; `asked_for` is the form they were asked for
    with. `both_ways`: each pair is asked about in both
    orders, which shows whether the judge minds the place. Money is in millionths of a dollar:
    `estimate` is what it was to cost at most (null: unknown), `cap` where it pauses by itself,
    `spent` what the replies came to, of which `guessed` is for questions of which nobody knows
    whether they were answered. The lease is that of its slices.
    """

    __tablename__ = "judged_duels"
    __table_args__ = (
        UniqueConstraint("run_id", "number"),
        UniqueConstraint("project_id", "request_key"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_runs.id", ondelete="CASCADE"))
    number: Mapped[int]
    request_key: Mapped[str] = mapped_column(String(64))
    version_id: Mapped[int] = mapped_column(
        ForeignKey("grader_versions.id", ondelete="RESTRICT"), index=True
    )
    status: Mapped[str] = mapped_column(String(16))
    paused_by: Mapped[str | None] = mapped_column(String(16))
    words: Mapped[str | None] = mapped_column(Text)
    asked_for: Mapped[dict[str, Any]]
    both_ways: Mapped[bool]
    seed: Mapped[int]
    pairs: Mapped[int]
    questions: Mapped[int]
    estimate: Mapped[int | None]
    cap: Mapped[int | None]
    spent: Mapped[int] = mapped_column(default=0)
    guessed: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    run: Mapped[EvaluationRun] = relationship(lazy="raise")
    version: Mapped[GraderVersion] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")


class Duel(Questioned, Base):
    """Two results of one case, the one of the contestant with the lower place first. `was_first`:
    the judge saw that one first. Of answers that are word for word the same nobody is asked, and
    they tie. `fault` is why a reply has no `outcome`: it could not be read.
    """

    __tablename__ = "duels"
    __table_args__ = (
        UniqueConstraint("duels_id", "first_id", "second_id", "was_first"),
        Index(None, "duels_id", "status", "not_before"),
    )

    duels_id: Mapped[int] = mapped_column(ForeignKey("judged_duels.id", ondelete="CASCADE"))
    first_id: Mapped[int] = mapped_column(ForeignKey("results.id", ondelete="CASCADE"), index=True)
    second_id: Mapped[int] = mapped_column(ForeignKey("results.id", ondelete="CASCADE"), index=True)
    was_first: Mapped[bool]
    outcome: Mapped[str | None] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text, default="")
    fault: Mapped[str | None] = mapped_column(Text)
