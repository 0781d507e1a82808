"""Who answers which case of a run by hand."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.orm import Base


class HandAnswer(Base):
    """A case in a person's hands: theirs alone until `lease_until`, and for good once it is
    answered at `given_at`. `shown_at` is when they first saw it. The answer is the result's.
    """

    __tablename__ = "hand_answers"

    result_id: Mapped[int] = mapped_column(
        ForeignKey("results.id", ondelete="CASCADE"), primary_key=True
    )
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    shown_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    given_at: Mapped[datetime | None]

    user: Mapped[User | None] = relationship(lazy="raise")
