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


def made_of(session: Session, version_ids: Sequence[int]) -> dict[int, list[str]]:
    """The kinds of further files that are made, by version."""
    query = select(Derived.version_id, Derived.kind).where(
        Derived.version_id.in_(version_ids), Derived.status == DerivedStatus.READY
    )
    made: dict[int, list[str]] = {}
    for version_id, kind in session.execute(query):
        made.setdefault(version_id, []).append(kind)
    return made


def comes_first(session: Session, kinds: Sequence[str]) -> bool:
    """Whether a check of a version, or a file of these kinds, is due and in nobody's hands."""
    moment = clock.now(session)
    unchecked = DatasetVersion.status.in_((VersionStatus.RECEIVED, VersionStatus.CHECKING))
    checks = exists().where(unchecked, leases.is_due(DatasetVersion, moment))
    files = exists().where(Derived.kind.in_(kinds), leases.is_due(Derived, moment))
    return bool(session.scalar(select(or_(checks, files))))
