"""What was found when a judge was measured against people."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, Id


class Calibration(Base):
    """How a judge compares to people. `sha256` is its version's, which covers prompt, model and
    connection: one that is changed in any of them has not been measured. `figures` are as
    `measuring.py` writes them, `reasons` say why it has not passed.
    """

    __tablename__ = "calibrations"
    __table_args__ = (UniqueConstraint("project_id", "sha256"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(String(64))
    has_passed: Mapped[bool]
    reasons: Mapped[list[Any]]
    figures: Mapped[dict[str, Any]]
    measured_at: Mapped[datetime]
