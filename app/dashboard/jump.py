"""Jump to anything: what a person may see, found by its name, and the pages and deeds beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.auth.models import User
from app.catalog import queries as catalog
from app.connections import queries as connections
from app.core.pages import Link
from app.datasets import queries as datasets
from app.jobs import queries as jobs
from app.projects import queries as projects
from app.projects.models import Membership

MOST_WORDS, MOST, RECENT = 6, 6, 3


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go by `url`, or without one a `deed`: theme, keys, sign-out. `icon` is a name of
    the sprite.
    """

    name: str
    icon: str
    url: str = ""
    note: str = ""
    deed: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class JumpView:
    """What the palette lists for `asked`; no group when nothing is called that."""

    asked: str
    groups: tuple[Group, ...]


def places(
    session: Session, user: User, asked: str, project_id: int | None, link: Link
) -> JumpView:
    """What fits the words that were typed, one query a kind and a few rows of each; without words
    what is newest. Things of the project the person stands in come first.
    """
    words = asked.replace("\x00", "").split()[:MOST_WORDS]
    mine = projects.memberships_of(session, user.id)
    here = next((one for one in mine if one.project_id == project_id), None)
    pages = (*_pages(here, user, link), *_projects(mine, link))
    found = (
        Group("Lately" if not words else "Found", _things(session, user, mine, here, words, link)),
        Group("Pages", _fitting(pages if words else pages[:10], words)),
        Group("Do", _fitting(tuple(_deeds(here, link)), words)),
    )
    return JumpView(asked, tuple(group for group in found if group.places))


def _fitting(known: Sequence[Place], words: Sequence[str]) -> tuple[Place, ...]:
    return tuple(
        place for place in known if all(word.lower() in place.name.lower() for word in words)
    )[: MOST + 2]


def _things(
    session: Session,
    user: User,
    mine: Sequence[Membership],
    here: Membership | None,
    words: Sequence[str],
    link: Link,
) -> tuple[Place, ...]:
    ids = projects.project_ids_of(user.id)
    limit = MOST if words else RECENT
    rows = [
        (job.project_id, Place(job.name, "job", link("jobs.show", job_id=job.id), "job"))
        for job in jobs.jobs_named(session, ids, words, limit=limit)
    ]
    rows += [
        (one.project_id, Place(one.name, "model", link("models.show", model_id=one.id), "model"))
        for one in catalog.models_named(session, ids, words, limit=limit)
    ]
    rows += [
        (
            one.project_id,
            Place(one.dataset.name, "data", link("datasets.show", version_id=one.id), "dataset"),
        )
        for one in datasets.datasets_named(session, ids, words, limit=limit)
    ]
    rows += [
        (
            one.project_id,
            Place(
                one.name,
                "plug",
                link("connections.index", project_id=one.project_id),
                "connection",
            ),
        )
        for one in connections.connections_named(session, ids, words, limit=limit)
        if words
    ]
    names = {one.project_id: one.project.name for one in mine}
    standing = here.project_id if here else None
    rows.sort(key=lambda row: row[0] != standing)
    return tuple(
        place
        if project_id == standing
        else Place(place.name, place.icon, place.url, f"{place.note} in {names[project_id]}")
        for project_id, place in rows
    )


def _pages(here: Membership | None, user: User, link: Link) -> Iterator[Place]:
    if here is not None:
        for name, icon, route in (
            ("Home", "home", "dashboard.home"),
            ("Datasets", "data", "datasets.index"),
            ("Collections", "data", "collections.index"),
            ("Jobs", "job", "jobs.index"),
            ("Models", "model", "models.index"),
            ("Evaluations", "eval", "evaluations.index"),
            ("Graders", "check", "graders.index"),
            ("Playground", "talk", "playground.index"),
            ("Asked in the playground", "talk", "playground.history"),
            ("Rescue", "rescue", "rescues.index"),
            ("Deadlines", "calendar", "calendar.index"),
            ("Notices", "bell", "notices.index"),
            ("Connections", "plug", "connections.index"),
            ("Members", "people", "members.index"),
            ("Activity", "activity", "activity.index"),
            ("Rescued evals", "rescue", "rescued_evals.index"),
            ("Who calls which model", "rescue", "rescued_usage.show"),
        ):
            yield Place(name, icon, link(route, project_id=here.project_id))
    yield Place("All projects", "table", link("projects.index"))
    yield Place("Your account", "settings", link("account.show"))
    if user.is_instance_owner:
        yield Place("People", "people", link("people.index"))
        yield Place("Storage", "file", link("storage.index"))
        yield Place("Dates", "calendar", link("dates.index"))
        yield Place("Prices", "budget", link("prices.index"))
    yield Place("JSON API", "file", link("docs.page"))


def _projects(mine: Sequence[Membership], link: Link) -> Iterator[Place]:
    for one in mine:
        url = link("dashboard.home", project_id=one.project_id)
        yield Place(one.project.name, "table", url, "project")


def _deeds(here: Membership | None, link: Link) -> Iterator[Place]:
    if here is not None and here.may("spend"):
        yield Place("New job", "plus", link("jobs.new", project_id=here.project_id))
    if here is not None and here.may("edit"):
        url = link("datasets.index", project_id=here.project_id)
        yield Place("Upload rows", "upload", f"{url}#upload-title")
    yield Place("New project", "plus", link("projects.new"))
    yield Place("Switch theme, light or dark", "theme", deed="theme")
    yield Place("Keys", "info", deed="keys")
    yield Place("Sign out", "out", deed="sign-out")
