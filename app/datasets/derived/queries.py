"""Every select about the further files of versions."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.models import Derived, DerivedStatus


def derived_of(session: Session, version_id: int) -> Sequence[Derived]:
    """A version's further files, made or on their way; the caller has checked the fence."""
    query = select(Derived).where(Derived.version_id == version_id)
    return session.scalars(query.order_by(Derived.id)).all()


def ready_kinds(session: Session, version_id: int) -> set[str]:
    """Which of a version's further files can be read."""
    query = select(Derived.kind).where(
        Derived.version_id == version_id, Derived.status == DerivedStatus.READY
    )
    return set(session.scalars(query))
