"""What the judges of a run are asked about its answers."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.orm import Base
from app.evaluations.models import GivenAnswer, Questioned, Result


class JudgementStatus(StrEnum):
    """Where a question to a judge is: `asked` is on its way or was lost with its worker; one that
    is `answered`, or `failed` for good, waits until all that its grade takes is there.
    """

    WAITING = "waiting"
    ASKED = "asked"
    ANSWERED = "answered"
    FAILED = "failed"
    GRADED = "graded"


class Judgement(Questioned, Base):
    """What a judge is asked about a result; `name` is the judge's in a formula, empty where it
    grades alone. `digest` is of what was asked: many answers are the same, and so are the questions
    about them.
    """

    __tablename__ = "judgements"
    __table_args__ = (
        UniqueConstraint("result_id", "judge_id", "name"),
        Index(None, "judge_id", "status", "not_before"),
        Index(None, "digest"),
    )

    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), index=True
    )
    judge_id: Mapped[int] = mapped_column(ForeignKey("run_judges.id", ondelete="CASCADE"))
    result_id: Mapped[int] = mapped_column(ForeignKey("results.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(String(64))

    answer: Mapped[GivenAnswer | None] = relationship(lazy="raise")
    result: Mapped[Result] = relationship(lazy="raise")
