"""Every select about people."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.auth.models import Activity, ApiToken, FailedSignIn, SingleUseLink, User, UserSession


def user_by_email(session: Session, email: str) -> User | None:
    """The account with this address, however it is capitalised."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def password_hash_of(session: Session, email: str) -> tuple[int, str] | None:
    """Whose password signs in with this address, and its hash; None where no password does."""
    row = session.execute(
        select(User.id, User.password_hash).where(
            User.email == email.strip().lower(), User.disabled_at.is_(None)
        )
    ).one_or_none()
    return None if row is None or row.password_hash is None else (row.id, row.password_hash)


def has_users(session: Session) -> bool:
    """False on a fresh instance."""
    return session.scalar(select(User.id).limit(1)) is not None


def session_with_user(session: Session, fingerprint: str) -> UserSession | None:
    """The signed-in browser with this cookie, and whose it is."""
    query = select(UserSession).where(UserSession.fingerprint == fingerprint)
    return session.scalar(query.options(joinedload(UserSession.user)))


def token_with_user(session: Session, fingerprint: str) -> ApiToken | None:
    """The live token with this fingerprint, and whose it is."""
    query = select(ApiToken).where(
        ApiToken.fingerprint == fingerprint, ApiToken.revoked_at.is_(None)
    )
    return session.scalar(query.options(joinedload(ApiToken.user)))


def open_link(
    session: Session, fingerprint: str, moment: datetime, *, for_update: bool = False
) -> SingleUseLink | None:
    """The link, if it was not used and has not expired; `for_update` holds it against a second
    use.
    """
    query = select(SingleUseLink).where(
        SingleUseLink.fingerprint == fingerprint,
        SingleUseLink.used_at.is_(None),
        SingleUseLink.expires_at > moment,
    )
    return session.scalar(query.with_for_update() if for_update else query)


def failures_lately(
    session: Session, *, email: str, address: str, moment: datetime
) -> tuple[int, int, int]:
    """Wrong passwords of the last five minutes: for the account, from the address, in all."""
    since = moment - timedelta(minutes=5)
    recent = FailedSignIn.at >= since
    row = session.execute(
        select(
            func.count().filter(FailedSignIn.email == email),
            func.count().filter(FailedSignIn.address == address),
            func.count(),
        ).where(recent)
    ).one()
    return row[0], row[1], row[2]


def ids_of_activity(project_id: int) -> Select[int]:
    """The ids of what happened in a project: what its page is filtered from."""
    return select(Activity.id).where(Activity.project_id == project_id)


def activity_by_ids(session: Session, ids: Sequence[int]) -> Sequence[Activity]:
    """These rows with who did it, in the order of the ids."""
    query = select(Activity).where(Activity.id.in_(ids)).options(joinedload(Activity.actor))
    found = {row.id: row for row in session.scalars(query)}
    return [found[row_id] for row_id in ids]


def activity_of(session: Session, project_id: int, *, limit: int) -> Sequence[Activity]:
    """What happened in a project lately, the latest first, with who did it."""
    query = select(Activity).where(Activity.project_id == project_id)
    return session.scalars(
        query.options(joinedload(Activity.actor)).order_by(Activity.id.desc()).limit(limit)
    ).all()


def count_done(session: Session, actor_id: int, verb: str, since: datetime) -> int:
    """How often a person did this since a moment."""
    query = select(func.count()).where(
        Activity.actor_id == actor_id, Activity.verb == verb, Activity.at >= since
    )
    return session.scalar(query) or 0


def last_actor(session: Session, project_id: int, subject: str, verb: str) -> int | None:
    """Who did this last to a thing of a project."""
    query = select(Activity.actor_id).where(
        Activity.project_id == project_id, Activity.subject == subject, Activity.verb == verb
    )
    return session.scalar(query.order_by(Activity.id.desc()).limit(1))


def last_activity_by_project(session: Session, project_ids: Select[int]) -> dict[int, datetime]:
    """When something was last done in each of these projects."""
    newest = (
        select(func.max(Activity.id))
        .where(Activity.project_id.in_(project_ids))
        .group_by(Activity.project_id)
    )
    rows = session.execute(select(Activity.project_id, Activity.at).where(Activity.id.in_(newest)))
    return {project_id: at for project_id, at in rows if project_id is not None}


def ids_of_people() -> Select[int]:
    """The ids of every account of the instance."""
    return select(User.id)


def people_by_ids(session: Session, ids: Sequence[int]) -> Sequence[User]:
    """These accounts, in the order of the ids."""
    found = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    return [found[user_id] for user_id in ids]


def hold_instance_owners(session: Session) -> Sequence[User]:
    """The instance's owners as they are now, held until the unit of work ends."""
    return session.scalars(
        select(User).where(User.is_instance_owner).order_by(User.id).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()


def count_instance_owners(session: Session) -> int:
    """How many owners of the instance can sign in."""
    query = select(func.count()).where(User.is_instance_owner, User.disabled_at.is_(None))
    return session.scalar(query) or 0


def sessions_of(session: Session, user_id: int) -> Sequence[UserSession]:
    """A person's signed-in browsers, the latest used first."""
    return session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id)
        .order_by(UserSession.seen_at.desc(), UserSession.fingerprint)
    ).all()


def tokens_of(session: Session, user_id: int) -> Sequence[ApiToken]:
    """A person's API tokens that still open something, the newest first."""
    return session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    ).all()
