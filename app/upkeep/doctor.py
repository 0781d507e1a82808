"""Look at everything an instance needs, one line each: ok, warn or wrong, with the cure."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from app.upkeep import looks_inside, looks_outside
from app.upkeep.looks import Worth, Wrong

State = Literal["ok", "warn", "wrong"]

LOOKS: dict[str, Callable[[], str]] = {
    "Python": looks_outside.python,
    "packages": looks_outside.packages,
    "browser assets": looks_outside.assets,
    "home": looks_outside.home,
    "disk": looks_outside.disk,
    "file handles": looks_outside.file_handles,
    "database": looks_inside.database,
    "integrity": looks_inside.integrity,
    "clock": looks_inside.clock_of_database,
    "secret": looks_inside.secret,
    "broker": looks_outside.broker,
    "processes": looks_inside.processes,
    "work": looks_inside.work,
    "starts": looks_inside.starts,
    "address": looks_outside.address,
    "allowed hosts": looks_outside.allowed_hosts,
    "trainer": looks_outside.trainer,
    "python graders": looks_outside.jailing,
}


# Without a database at this version these cannot look.
IN_TABLES = frozenset({"integrity", "clock", "secret", "processes", "work", "starts"})


class Finding(NamedTuple):
    """What one look found, in words; `cure` says what to do about it."""

    name: str
    state: State
    words: str
    cure: str | None = None


def examine() -> Iterator[Finding]:
    """Every look in turn. One that fails is a finding, and the others go on."""
    has_tables = True
    for name, look in LOOKS.items():
        if name in IN_TABLES and not has_tables:
            yield Finding(name, "warn", "not looked at", "mend the database first")
            continue
        found = _looked(name, look)
        has_tables = has_tables and not (name == "database" and found.state == "wrong")
        yield found


def _looked(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", look())
    except Worth as found:
        return Finding(name, "warn", found.words, found.cure)
    except Wrong as found:
        return Finding(name, "wrong", found.words, found.cure)
    except Exception as error:  # noqa: BLE001 - a doctor survives what it finds
        return Finding(name, "wrong", str(error).splitlines()[0] if str(error) else repr(error))
