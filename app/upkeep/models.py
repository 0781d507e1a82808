"""The instance's housekeeping: one row that is work."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.core.leases import Leased
from app.core.orm import Base, Id


class Housekeeping(Leased, Base):
    """Measure what takes space and remove what nobody needs, daily and when a person asks. One row.

    `progress` is done and all files of the pruning at hand; `report` what was measured last;
    `freed` the bytes that the last pruning gave back.
    """

    __tablename__ = "housekeeping"
    IS_POISONABLE = False

    id: Mapped[Id]
    is_pruning: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    measured_at: Mapped[datetime | None]
    pruned_at: Mapped[datetime | None]
    freed: Mapped[int | None]
