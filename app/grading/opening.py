"""A grader's page with rows to try it on, drawn while no session is open."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response

from app.connections import queries as connections
from app.connections.models import Connection
from app.core.database import read_only
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.forms import validated
from app.core.pages import asked_part, page
from app.core.views import FormState
from app.datasets.models import DatasetVersion
from app.graders.base import Grader
from app.graders.reading import read_grader
from app.grading import queries, views
from app.grading.forms import MOST_JUDGED, TryForm, TryPageForm
from app.grading.judging import At, Came, Judging, judging, open_questions
from app.grading.judging_views import judging_view
from app.grading.models import GraderVersion, LibraryGrader
from app.grading.trying import version_to_try
from app.projects.access import role_here

MOST_QUESTIONS = 80
"""What comes of each travels in two fields of a form."""


class Opened(NamedTuple):
    """A version of a grader with all that its page shows."""

    grader: LibraryGrader
    version: GraderVersion
    read: Grader
    versions: Sequence[GraderVersion]
    choices: Sequence[tuple[int, str]]
    connection: Connection | None

    def page(self, request: Request, trial: views.TryView, status: int = 200) -> Response:
        """The page, or its part about the try."""
        view = views.show(
            self.grader,
            self.version,
            self.read,
            self.versions,
            trial,
            self.connection,
            role=role_here(request),
        )
        part = asked_part(request, "trying")
        return page(request, "graders/show.html", view, fragment=part, status=status)


def opened(grader: LibraryGrader, number: int | None) -> Opened:
    """The grader's version of this number, else the newest. Raises NotFound."""
    with read_only() as session:
        version = queries.version_of(session, grader, number)
        if version is None:
            raise NotFound
        over = version.connection_id
        return Opened(
            grader,
            version,
            read_grader(version.settings),
            queries.versions_of(session, grader.id),
            queries.versions_to_try(session, grader.project_id),
            connections.connection_in(session, grader.project_id, over) if over else None,
        )


def trial(
    choices: Sequence[tuple[int, str]],
    values: Mapping[str, str],
    kind: type[TryPageForm],
    look: Callable[[TryPageForm], Mapping[str, Any]],
    *,
    is_judged: bool = False,
) -> tuple[views.TryView, int]:
    """What `look` found on the rows that were chosen, or what is wrong, and the status for it."""
    given = {name: value for name in kind.model_fields if (value := values.get(name, "").strip())}
    shown = {"rows": "10" if is_judged else "50", "field": "answer", **given}
    try:
        found = look(validated(kind, shown))
    except (WrongInput, Conflict) as error:
        errors = {item.field: item.message for item in error.errors} or {"": error.message}
        view = views.TryView(choices, FormState(shown, errors), is_judged=is_judged)
        return view, error.status
    return views.TryView(choices, FormState(shown), is_judged=is_judged, **found), 200


def planned(
    found: Opened,
    values: Mapping[str, str],
    came: Mapping[At, Came],
    kind: type[TryPageForm],
) -> tuple[views.TryView, int]:
    """The rows that were chosen and how far the judges are, or what is wrong, with the status."""

    def look(form: TryPageForm) -> dict[str, object]:
        rows, over = rows_of(found, form), asked_over(found)
        shown = judging_view(found.read, over, rows, came, is_stopped="stop" in values)
        return {"judging": shown}

    return trial(found.choices, values, kind, look, is_judged=True)


def asked_over(found: Opened) -> Connection:
    """The connection of its judges. Raises Conflict where it has none, or nobody chose one."""
    if not found.read.judges:
        raise Conflict("This grader asks nobody: try it.")
    if found.connection is None:
        raise Conflict(views.NOBODY_CHOSEN)
    return found.connection


def rows_of(found: Opened, form: TryPageForm) -> Judging:
    """The rows, and what is asked about them. Raises WrongInput, Conflict and Gone."""
    rows = judging(found.read, judged_version(found, form), form, form.given)
    if len(open_questions(rows, {})) > MOST_QUESTIONS:
        words = f"That is more than {MOST_QUESTIONS} questions: take fewer rows."
        raise WrongInput.field("rows", words)
    return rows


def judged_version(found: Opened, form: TryForm) -> DatasetVersion:
    """The version whose rows are to be judged. Raises WrongInput, and Conflict where the grader
    cannot grade here.
    """
    if form.rows > MOST_JUDGED:
        raise WrongInput.field("rows", f"A judge is asked about {MOST_JUDGED} rows at most.")
    if reason := found.read.obstacle():
        raise Conflict(reason)
    return version_to_try(found.grader.project_id, form.version_id)
