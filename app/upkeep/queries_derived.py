"""Every select that asks whether the further files of versions stand as they must."""

from sqlalchemy import and_, func, not_, or_, select
from sqlalchemy.orm import Session

from app.datasets.derived.registry import DERIVERS
from app.datasets.models import DatasetVersion, Derived, DerivedStatus, VersionStatus
from app.upkeep.queries import count

Looked = tuple[int, list[str]]


def versions_without_rows(session: Session) -> Looked:
    """Versions that are ready and have no row for some kind of further file, or are not ready and
    have one.
    """
    version, is_ready = DatasetVersion, DatasetVersion.status == VersionStatus.READY
    known = (
        select(func.count())
        .where(Derived.version_id == version.id, Derived.kind.in_(DERIVERS))
        .correlate(version)
        .scalar_subquery()
    )
    wrong = or_(and_(is_ready, known != len(DERIVERS)), and_(not_(is_ready), known != 0))
    found = session.scalars(select(version.id).where(wrong).order_by(version.id))
    return count(session, version), [f"version {version_id}" for version_id in found]


def rows_in_no_state(session: Session) -> Looked:
    """Rows of further files whose state is unknown or does not fit: one that is made is not due,
    and one that is not made is due, or nobody would make it.
    """
    is_made = Derived.status == DerivedStatus.READY
    wrong = or_(
        Derived.status.not_in(list(DerivedStatus)),
        and_(is_made, Derived.due_at.is_not(None)),
        and_(not_(is_made), Derived.due_at.is_(None)),
    )
    query = select(Derived.version_id, Derived.kind).where(wrong).order_by(Derived.id)
    return count(session, Derived), [
        f"version {version_id}: {kind}" for version_id, kind in session.execute(query)
    ]


def known_files(session: Session) -> dict[tuple[int, str], str]:
    """The status of every further file of a kind this code knows, by version and kind."""
    query = select(Derived.version_id, Derived.kind, Derived.status)
    rows = session.execute(query.where(Derived.kind.in_(DERIVERS)))
    return {(version_id, kind): status for version_id, kind, status in rows}
