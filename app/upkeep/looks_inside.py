"""What the database says of the instance: its version and health, keys, processes and work."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.connections.service import open_connection
from app.core import clock, heartbeat, instance, leases, migrate, secrets, storage
from app.core.database import engine, read_only
from app.core.portable import snapshot
from app.providers.base import KeyRejected
from app.settings import settings
from app.upkeep import queries
from app.upkeep.looks import Worth, Wrong
from app.upkeep.queries_invariants import late_work

KINDS = ("web", "worker", "beat")
APART_SECONDS, FAR_APART_SECONDS = 2.0, 60.0


def database() -> str:
    """Reachable, and at this program's version."""
    path = storage.sqlite_path()
    if path is not None and not path.exists():
        raise Wrong(f"{path} is not there", "`make run` makes it; or name its home, LUTHIER_HOME")
    with snapshot(engine()) as connection:
        revision = migrate.revision_of(connection)
        if revision != migrate.head():
            words = f"at {revision or 'no version'}, not at this program's"
            known = revision is None or migrate.is_known(revision)
            cure = "python -m app migrate" if known else "install the newer version again"
            raise Wrong(words, cure)
        number = ".".join(map(str, connection.dialect.server_version_info or ()))
        return f"{connection.dialect.name} {number}, at {revision}"


def integrity() -> str:
    """SQLite's own quick check; PostgreSQL's rows and keys are its own business."""
    with snapshot(engine()) as connection:
        if connection.dialect.name != "sqlite":
            return "left to PostgreSQL"
        told = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        torn = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if told != "ok" or torn is not None:
        raise Wrong(str(told if told != "ok" else torn), "stop it and restore the last backup")
    return "sound"


def clock_of_database() -> str:
    """The machine's clock and the database's, which decides."""
    with read_only() as session:
        apart = (clock.now(session) - datetime.now(UTC)).total_seconds()
    words = f"{abs(apart):.1f} s apart"
    if abs(apart) > FAR_APART_SECONDS:
        raise Wrong(words, "set the clocks by NTP")
    if abs(apart) > APART_SECONDS:
        raise Worth(words, "set the clocks by NTP")
    return words


def secret() -> str:
    """There, and the one that the keys of connections were sealed with."""
    place = settings().home / "secret"
    if settings().secret is None and not place.exists():
        raise Worth("there is none yet", "the first start makes one; or put the old one in place")
    if settings().secret is None and place.stat().st_mode & 0o077:
        raise Wrong(f"{place} can be read by others", f"chmod 600 {place}")
    secrets.derive("doctor")
    with read_only() as session:
        found = queries.all_connections(session)
    closed = 0
    for connection in found:
        try:
            open_connection(connection).close()
        except KeyRejected:
            closed += 1
    if closed:
        cure = "put the old secret in place, or give those connections their keys again"
        raise Worth(f"{closed} of {len(found)} keys do not open", cure)
    return f"opens {len(found)} of {len(found)} keys"


def processes() -> str:
    """Each kind gave a sign of life lately."""
    with read_only() as session:
        ages = heartbeat.ages(session)
    if not any(min(of) <= heartbeat.FRESH_SECONDS for of in ages.values()):
        raise Worth("nothing runs", "start it: make run, or the services")
    silent = [
        f"{kind} ({min(ages[kind]):.0f} s)" if kind in ages else f"{kind} (never)"
        for kind in KINDS
        if min(ages.get(kind, [float("inf")])) > heartbeat.FRESH_SECONDS
    ]
    if silent:
        raise Wrong(f"no sign of life: {', '.join(silent)}", "start it again; its log says why")
    lives = {kind: sum(age <= heartbeat.FRESH_SECONDS for age in of) for kind, of in ages.items()}
    return ", ".join(f"{kind} {count}" for kind, count in sorted(lives.items()) if count)


def work() -> str:
    """Nothing waits for long, and nothing was given up."""
    with read_only() as session:
        stuck = _stuck(session)
        _, late = late_work(session)
    if late:
        raise Wrong(f"due for more than two minutes: {', '.join(late[:5])}", "start more workers")
    if stuck:
        raise Worth(f"given up after three tries: {', '.join(stuck)}", "press *Try again* on them")
    return "nothing waits"


def _stuck(session: Session) -> list[str]:
    counted = {
        model.__tablename__: leases.backlog(session, model).poisoned
        for model in queries.leased_models()
    }
    return [f"{count} in {name}" for name, count in counted.items() if count]


def starts() -> str:
    """Jobs may be started here."""
    with read_only() as session:
        held = instance.held(session)
    if held is not None:
        words = f"held back: restored from a backup of {held.backed_up_at:%-d %B %Y, %H:%M} UTC"
        raise Worth(words, "the instance's owner allows them on any page")
    return "allowed"
