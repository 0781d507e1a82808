"""Decisions about imports: what is read, and what is kept of it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.database import read_only, unit_of_work
from app.core.errors import WrongInput
from app.evaluations.imports import queries
from app.evaluations.imports.base import Imported, NotImportable
from app.evaluations.imports.forms import LONGEST_PASTED, HowForm
from app.evaluations.imports.keeping import keep
from app.evaluations.imports.reading import read
from app.evaluations.imports.rows import WHAT as ROWS
from app.evaluations.service import NO_GRADER
from app.formats.base import JsonObject
from app.grading.models import LibraryGrader

TOO_LONG = f"At most {LONGEST_PASTED:,} bytes. Import the tests in several parts."


def check_size(size: int) -> None:
    """Refuse what is too long to be read at once. Raises WrongInput."""
    if size > LONGEST_PASTED:
        raise WrongInput.field("file", TOO_LONG)


def take_in(*, project_id: int, actor_id: int, content: bytes, how: HowForm) -> int:
    """The id of the evaluation in what somebody brought. It is read with no session open. Raises
    WrongInput naming the field.
    """
    with read_only() as session:
        chosen = _chosen(session, project_id, how.graders)
    settings = [settings for _, settings in chosen]
    try:
        imported = read(content, graders=settings, prompt=how.prompt, judge=how.judge)
    except NotImportable as error:
        raise WrongInput.field("content", str(error)) from error
    with unit_of_work() as session:
        made = keep(
            session,
            imported,
            project_id=project_id,
            actor_id=actor_id,
            name=how.name,
            graders=_in_order(imported, [grader for grader, _ in chosen]),
        )
        return made.id


def _in_order(
    imported: Imported, chosen: Sequence[LibraryGrader]
) -> list[JsonObject | LibraryGrader]:
    """Rows of OpenAI's name graders of the library, which stand first; promptfoo brings its own."""
    return [*chosen] if imported.what == ROWS else [*imported.graders, *chosen]


def _chosen(
    session: Session, project_id: int, ids: Sequence[int]
) -> list[tuple[LibraryGrader, JsonObject]]:
    found = queries.chosen_graders(session, project_id, ids)
    if missing := [one for one in ids if one not in found]:
        raise WrongInput.field("graders", f"{NO_GRADER} ({missing[0]})")
    return [(found[one].grader, found[one].settings) for one in dict.fromkeys(ids)]
