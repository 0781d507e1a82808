"""One object's page: what it is, where it came from, what it became, and its bytes to read."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from sqlalchemy.orm import Session

from app.core import storage
from app.core.pages import Link, size
from app.datasets.forms import label_of
from app.rescue.models import Kind, Outcome, RescuedObject
from app.rescue.pages import queries
from app.rescue.pages.reading import Reading, read_at
from app.rescue.pages.words import KINDS, belongs_to
from app.rescue.views import Child, Fact, ObjectView, line, short_of

FEW_CHILDREN = 20
LONGEST_FACT = 300
ONE_OBJECT = frozenset({Kind.EVAL, Kind.EVAL_RUN, Kind.MODEL, Kind.JOB, Kind.COMPLETION})
# The end of the year 9999.
LATEST_SECONDS = 253_402_300_799


def show_object(session: Session, one: RescuedObject, at: int, link: Link) -> ObjectView:
    """The page of one object, from byte `at` of its content on."""
    reading = _reading(one, at)
    parent = queries.parent_of(session, one)
    children = queries.children_of(session, one, limit=FEW_CHILDREN + 1)

    def beside(start: int | None) -> str | None:
        if start is None:
            return None
        return link("rescued.show", rescued_id=one.id, query={"at": start or None})

    return ObjectView(
        project_id=one.project_id,
        title=one.name or short_of(one.object_id),
        lead=_lead(one),
        line=line(one, link),
        can_download=reading is not None,
        reading=reading,
        why_not="Its bytes are not here." if one.sha256 else "Nothing of it is here.",
        earlier_url=beside(reading.earlier) if reading else None,
        later_url=beside(reading.later) if reading else None,
        manifest_url=_manifest_url(one, link),
        belongs_to=belongs_to(one.kind),
        parent_url=link("rescued.show", rescued_id=parent.id) if parent else None,
        why_raw=one.why_raw,
        facts=tuple(_facts(one)),
        children=tuple(
            Child(child.id, child.object_id, KINDS[Kind(child.kind)])
            for child in children[:FEW_CHILDREN]
        ),
        more_children=len(children) > FEW_CHILDREN,
    )


def file_name_of(one: RescuedObject) -> str:
    """What its bytes are called as a file: a file's own name, else its id."""
    if one.kind == Kind.FILE:
        return label_of(one.name or one.object_id)
    return label_of(f"{one.object_id}.{'json' if one.kind in ONE_OBJECT else 'jsonl'}")


def _reading(one: RescuedObject, at: int) -> Reading | None:
    if one.sha256 is None or not storage.is_stored(one.sha256):
        return None
    return read_at(storage.blob_path(one.sha256), at, is_one_object=one.kind in ONE_OBJECT)


def _lead(one: RescuedObject) -> str:
    what, where = KINDS[Kind(one.kind)].capitalize(), one.connection.name
    if one.outcome == Outcome.HOME:
        checked = "read again since, and the same" if one.verified_at else "not read again yet"
        return f"{what} from {where}: home, {size(one.size)}, {checked}."
    return {
        Outcome.WAITING: f"{what} at {where}: found, and still to come.",
        Outcome.REFUSED: f"{what} at {where}: refused there.",
        Outcome.GONE: f"{what} at {where}: it was deleted there before it could be fetched.",
        Outcome.FAILED: f"{what} at {where}: tried {one.tries} times, and it did not come.",
        Outcome.DAMAGED: f"{what} from {where}: its bytes here are no longer those that came.",
    }[Outcome(one.outcome)]


def _manifest_url(one: RescuedObject, link: Link) -> str:
    if one.rescue_id is None:
        return link("rescues.index", project_id=one.project_id)
    return link("rescues.manifest", rescue_id=one.rescue_id)


def _facts(one: RescuedObject) -> Iterator[Fact]:
    """The few fields that were kept of it, under the provider's own names."""
    for name, value in one.facts.items():
        if value is None or value in ("", [], {}):
            continue
        moment = _moment(value) if name.endswith("_at") else None
        words = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        cut = words if len(words) <= LONGEST_FACT else f"{words[:LONGEST_FACT]}…"
        yield Fact(name, cut, moment)


def _moment(value: object) -> datetime | None:
    """Seconds since 1970 as a moment, where they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return datetime.fromtimestamp(value, UTC) if 0 < value < LATEST_SECONDS else None
