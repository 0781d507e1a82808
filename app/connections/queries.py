"""Every select about connections."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, and_, false, func, select, text, update
from sqlalchemy.orm import Session

from app.connections.models import Connection, ConnectionTest
from app.core.orm import Base, holds

MOST_TESTED = 50


def connection_by_id(session: Session, connection_id: int) -> Connection | None:
    """The connection, whichever project it belongs to: the caller checks the fence."""
    return session.get(Connection, connection_id)


def connections_of(session: Session, project_id: int) -> Sequence[Connection]:
    """A project's connections, the first made first."""
    return session.scalars(
        select(Connection).where(Connection.project_id == project_id).order_by(Connection.id)
    ).all()


def connection_names(session: Session, project_id: int) -> Sequence[tuple[int, str]]:
    """Ids and names of a project's connections, the first made first."""
    query = select(Connection.id, Connection.name).where(Connection.project_id == project_id)
    return [(row.id, row.name) for row in session.execute(query.order_by(Connection.id))]


def connections_page(
    session: Session, project_id: int, *, after: int | None, limit: int
) -> Sequence[Connection]:
    """A page of a project's connections, the first made first, from behind `after`."""
    query = select(Connection).where(Connection.project_id == project_id)
    if after is not None:
        query = query.where(Connection.id > after)
    return session.scalars(query.order_by(Connection.id).limit(limit)).all()


def connections_named(
    session: Session, project_ids: Select[int], words: Sequence[str], *, limit: int
) -> Sequence[Connection]:
    """Connections of these projects whose name holds all words, the newest first."""
    return session.scalars(
        select(Connection)
        .where(Connection.project_id.in_(project_ids), holds(Connection.name, words))
        .order_by(Connection.id.desc())
        .limit(limit)
    ).all()


def connection_in(session: Session, project_id: int, connection_id: int) -> Connection | None:
    """The project's connection with this id."""
    return session.scalar(
        select(Connection).where(
            Connection.project_id == project_id, Connection.id == connection_id
        )
    )


def keep_in_place(session: Session, connection_id: int) -> None:
    """Nobody moves the connection or changes its key until the unit of work ends."""
    held = select(Connection.id).where(Connection.id == connection_id)
    session.execute(held.with_for_update(read=True, key_share=True))


def has_name(session: Session, project_id: int, name: str) -> bool:
    """True when a connection of the project is called so."""
    found = select(Connection.id).where(
        Connection.project_id == project_id, Connection.name == name
    )
    return session.scalar(found) is not None


def practice_connections(session: Session) -> Sequence[Connection]:
    """The connections, in every project, that lead to the trainer on this machine."""
    return session.scalars(
        select(Connection).where(Connection.is_practice).order_by(Connection.id)
    ).all()


def count_by_state(session: Session, moment: datetime) -> dict[str, int]:
    """How many connections of the instance work, had their key refused, or were told to wait."""
    refused = Connection.refused_at.is_not(None)
    held = and_(~refused, func.coalesce(Connection.not_before > moment, false()))
    counted = session.execute(
        select(func.count(), func.count().filter(refused), func.count().filter(held)).select_from(
            Connection
        )
    ).one()
    every, refused_ones, held_ones = counted
    return {"ok": every - refused_ones - held_ones, "refused": refused_ones, "held": held_ones}


def project_id_of_connection(session: Session, connection_id: int) -> int | None:
    """The project a connection belongs to."""
    return session.scalar(select(Connection.project_id).where(Connection.id == connection_id))


def every_connection(session: Session) -> Sequence[Connection]:
    """Every connection of the instance."""
    return session.scalars(select(Connection).order_by(Connection.id)).all()


def every_connection_held(session: Session) -> Sequence[Connection]:
    """The same, and nobody adds or changes one until the unit of work ends."""
    if session.get_bind().dialect.name == "postgresql":  # on SQLite there is one writer anyway
        session.execute(text("LOCK TABLE connections IN SHARE ROW EXCLUSIVE MODE"))
    return every_connection(session)


def stopped() -> Select[int]:
    """The ids of connections whose key is refused: what needs them waits, and stays due."""
    return select(Connection.id).where(Connection.refused_at.is_not(None))


def calls_spent_until(session: Session, connection_id: int) -> datetime | None:
    """How far the allowance of calls is used up; nobody else counts until the unit of work ends."""
    return session.scalar(
        select(Connection.calls_spent_until).where(Connection.id == connection_id).with_for_update()
    )


def set_calls_spent_until(session: Session, connection_id: int, until: datetime) -> None:
    """Count calls."""
    session.execute(
        update(Connection)
        .where(Connection.id == connection_id)
        .values(calls_spent_until=until)
        .execution_options(synchronize_session=False)
    )


def uses_of(session: Session, connection_id: int) -> dict[str, int]:
    """How many rows of which tables keep the connection from being removed: whatever points at it
    with RESTRICT, in any domain.
    """
    found = {}
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == Connection.__tablename__ and key.ondelete == "RESTRICT":
                holds = key.parent == connection_id
                found[table.name] = session.scalar(select(func.count()).where(holds)) or 0
    return {name: count for name, count in found.items() if count}


def connections_to_test(session: Session, moment: datetime) -> Sequence[int]:
    """The ids of connections whose test is due, the longest waiting first."""
    query = select(Connection.id).where(Connection.test_due_at <= moment)
    return session.scalars(query.order_by(Connection.test_due_at).limit(MOST_TESTED)).all()


def count_tests(session: Session, user_id: int, *, since: datetime) -> int:
    """How many connections a person tested since a moment."""
    query = select(func.count()).where(ConnectionTest.user_id == user_id, ConnectionTest.at > since)
    return session.scalar(query) or 0
