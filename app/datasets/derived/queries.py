"""Every select about the further files of versions."""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.core import clock, leases
from app.datasets.models import DatasetVersion, Derived, DerivedStatus, VersionStatus


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


def comes_first(session: Session, kinds: Sequence[str]) -> bool:
    """Whether a check of a version, or a file of these kinds, is due and in nobody's hands."""
    moment = clock.now(session)
    unchecked = DatasetVersion.status.in_((VersionStatus.RECEIVED, VersionStatus.CHECKING))
    checks = exists().where(unchecked, leases.is_due(DatasetVersion, moment))
    files = exists().where(Derived.kind.in_(kinds), leases.is_due(Derived, moment))
    return bool(session.scalar(select(or_(checks, files))))
